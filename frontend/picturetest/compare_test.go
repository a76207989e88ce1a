package picturetest

import (
	"image"
	"image/color"
	"image/draw"
	"testing"
)

func screen() *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, 200, 100))
	draw.Draw(m, m.Bounds(), image.NewUniform(color.RGBA{253, 253, 252, 255}), image.Point{}, draw.Src)
	for x := range 200 { // more colours than a kept picture has
		for y := range 10 {
			m.Set(x, y, color.RGBA{uint8(x), uint8(25 * y), uint8(255 - x), 255})
		}
	}
	return m
}

func TestJudge(t *testing.T) {
	fill := func(r image.Rectangle, c color.RGBA) func(*image.RGBA) *image.RGBA {
		return func(m *image.RGBA) *image.RGBA {
			draw.Draw(m, r, image.NewUniform(c), image.Point{}, draw.Src)
			return m
		}
	}
	for _, c := range []struct {
		name   string
		change func(*image.RGBA) *image.RGBA
		limits limits
		same   bool
	}{
		{"the same", func(m *image.RGBA) *image.RGBA { return m }, strict, true},
		{"an edge a shade off", fill(image.Rect(0, 50, 200, 52), color.RGBA{245, 245, 244, 255}), strict, true},
		{"a speck", fill(image.Rect(50, 50, 52, 52), color.RGBA{0, 0, 0, 255}), strict, true},
		{"a letter", fill(image.Rect(50, 50, 54, 58), color.RGBA{0, 0, 0, 255}), strict, false},
		{"a surface in another tint", fill(image.Rect(0, 50, 200, 100), color.RGBA{234, 243, 247, 255}), strict, false},
		{"a letter, in another Chromium", fill(image.Rect(50, 50, 54, 58), color.RGBA{0, 0, 0, 255}), loose, true},
		{"a button in another colour, in another Chromium", fill(image.Rect(50, 50, 150, 80), color.RGBA{160, 20, 20, 255}), loose, false},
		{"another size", func(*image.RGBA) *image.RGBA { return image.NewRGBA(image.Rect(0, 0, 200, 101)) }, loose, false},
	} {
		if wrong := c.limits.judge(c.change(screen()), reduce(screen())); (wrong == "") != c.same {
			t.Errorf("%s: same should be %v, the judge says %q", c.name, c.same, wrong)
		}
	}
}

// TestReduceKeepsColours: what is kept is nearer to the picture than two pictures may be.
func TestReduceKeepsColours(t *testing.T) {
	m := screen()
	kept := reduce(m)
	if n := len(kept.Palette); n > 256 || n < 64 {
		t.Errorf("%d colours are kept", n)
	}
	for range strict.differing(m, rgba(kept)) {
		t.Fatal("a kept colour differs from the picture's")
	}
	if kept.At(100, 50) != (color.RGBA{253, 253, 252, 255}) {
		t.Errorf("the ground is kept as %v", kept.At(100, 50))
	}
}
