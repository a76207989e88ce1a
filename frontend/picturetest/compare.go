package picturetest

import (
	"cmp"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"slices"
)

// limits are how much a picture may differ from the kept one: a pixel differs when one of its channels does by more than
// channel of 255, and the share of such pixels may not be more than share.
type limits struct {
	channel int
	share   float64
}

var (
	strict = limits{channel: 16, share: 0.0002}
	loose  = limits{channel: 64, share: 0.03}
)

// judge says what is wrong with a picture, or nothing.
func (l limits) judge(got *image.RGBA, want image.Image) string {
	if got.Bounds() != want.Bounds() {
		return fmt.Sprintf("it is %v large, not %v", got.Bounds().Size(), want.Bounds().Size())
	}
	n, all := 0, len(got.Pix)/4
	for range l.differing(got, rgba(want)) {
		n++
	}
	if float64(n) <= l.share*float64(all) {
		return ""
	}
	return fmt.Sprintf("%d pixels of %d differ (%.3f %%, and %.3f %% may)", n, all, 100*float64(n)/float64(all), 100*l.share)
}

// differing are the places of the pixels that differ, in pictures of one size.
func (l limits) differing(got, want *image.RGBA) func(yield func(int) bool) {
	return func(yield func(int) bool) {
		for i := 0; i+4 <= len(got.Pix) && i+4 <= len(want.Pix); i += 4 {
			g, w := got.Pix[i:i+3:i+3], want.Pix[i:i+3:i+3]
			if (l.far(g[0], w[0]) || l.far(g[1], w[1]) || l.far(g[2], w[2])) && !yield(i) {
				return
			}
		}
	}
}

func (l limits) far(a, b uint8) bool {
	d := int(a) - int(b)
	return d > l.channel || -d > l.channel
}

// diff is the picture, faint, with what differs in red.
func (l limits) diff(got, want *image.RGBA) image.Image {
	m := image.NewRGBA(got.Bounds())
	draw.Draw(m, m.Bounds(), got, got.Bounds().Min, draw.Src)
	draw.Draw(m, m.Bounds(), image.NewUniform(color.NRGBA{255, 255, 255, 190}), image.Point{}, draw.Over)
	if got.Bounds() == want.Bounds() {
		for i := range l.differing(got, want) {
			copy(m.Pix[i:], []byte{220, 0, 0, 255})
		}
	}
	return m
}

func rgba(m image.Image) *image.RGBA {
	if r, ok := m.(*image.RGBA); ok {
		return r
	}
	r := image.NewRGBA(m.Bounds())
	if p, ok := m.(*image.Paletted); ok { // as draw does, in a tenth of the time
		var colors [256][4]byte
		for i, c := range p.Palette {
			n := color.RGBAModel.Convert(c).(color.RGBA)
			colors[i] = [4]byte{n.R, n.G, n.B, n.A}
		}
		for i, c := range p.Pix {
			copy(r.Pix[4*i:4*i+4], colors[c][:])
		}
		return r
	}
	draw.Draw(r, r.Bounds(), m, m.Bounds().Min, draw.Src)
	return r
}

type rgb [3]uint8

// exact is how many colours of a kept picture are as they were: those of the surfaces.
const exact = 64

// reduce keeps a picture in 256 colours, a third of its size. The colours that fill the most of it stay as they are. Those
// between, of the edges of letters, are rounded in steps as small as they allow, so by half a step at most.
func reduce(m *image.RGBA) *image.Paletted {
	often := map[rgb]int{}
	for i := 0; i < len(m.Pix); i += 4 {
		often[rgb(m.Pix[i:i+3])]++
	}
	var colors []rgb
	for c := range often {
		colors = append(colors, c)
	}
	slices.SortFunc(colors, func(a, b rgb) int { return cmp.Or(often[b]-often[a], slices.Compare(a[:], b[:])) })
	for step := 1; ; step++ {
		if p, index := palette(colors, step); len(p) <= 256 {
			out := image.NewPaletted(m.Bounds(), p)
			for i := range out.Pix {
				out.Pix[i] = index[rgb(m.Pix[4*i:4*i+3])]
			}
			return out
		}
	}
}

// palette are the colours with all but the first rounded to a step, and where each of them is in it.
func palette(colors []rgb, step int) (p color.Palette, index map[rgb]uint8) {
	index = map[rgb]uint8{}
	at := map[rgb]uint8{}
	for i, c := range colors {
		near := c
		for k := range near {
			if i >= exact {
				near[k] = uint8(min(255, (int(near[k])+step/2)/step*step))
			}
		}
		n, known := at[near]
		if !known {
			n = uint8(len(p)) // with more than 256 colours, the index is not used
			at[near] = n
			p = append(p, color.RGBA{near[0], near[1], near[2], 255})
		}
		index[c] = n
	}
	return p, index
}
