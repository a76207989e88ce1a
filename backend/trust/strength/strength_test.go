package strength

import (
	"strings"
	"testing"
	"time"

	"postern/backend/care"
)

// TestJudge: what people take is told apart from what stands. The bars are the promise; the words may get better.
func TestJudge(t *testing.T) {
	for text, want := range map[string]struct {
		bars   int
		advice string
	}{
		"":                              {0, "Four or more words"},
		"   ":                           {0, "Four or more words"},
		"demo":                          {1, "uncommon word"},
		"password":                      {1, "uncommon word"},
		"Passw0rd!":                     {1, "uncommon word"},
		"marisol1980":                   {1, "Names of yours"},
		"VegaVegaVega":                  {1, ""},
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaa": {1, "Repeating"},
		"qwertyuiop":                    {1, "uncommon word"},
		"abcdefghijklmnop":              {1, "Rows of letters"},
		"03/04/1980":                    {1, "Dates and years"},
		"Summer2026!":                   {1, ""},
		"golden lantern":                {2, "uncommon word"},
		"tr0ub4dor&3":                   {2, ""},
		"blue dog tree house":           {3, ""},
		"copper lantern river tuesday":  {4, ""},
		"собака дом лес река":           {4, ""},
		"\xff\xfe":                      {1, ""},
	} {
		got := Judge(text, "Marisol Vega (member)")
		if got.Bars != want.bars || !strings.Contains(got.Advice, want.advice) || got.Enough != (want.bars >= 3) || got.Bars > 0 && got.Word == "" {
			t.Errorf("%q: %+v", text, got)
		}
		if err := Check(text, "Marisol Vega (member)"); (err == nil) != got.Enough || err != nil && care.KindOf(err) != care.Invalid {
			t.Errorf("%q: judged and checked by two rules: %v", text, err)
		}
	}
}

// TestALongOne is judged at once, and longer is no weaker.
func TestALongOne(t *testing.T) {
	begin := time.Now()
	for _, text := range []string{strings.Repeat("xkcd9 ", 20000), strings.Repeat("ü", 50000), strings.Repeat("copper lantern ", 5000)} {
		Judge(text)
	}
	if took := time.Since(begin); took > 2*time.Second {
		t.Errorf("it took %v", took)
	}
	if got := Judge("copper lantern river tuesday " + strings.Repeat("a", 500)); !got.Enough {
		t.Errorf("%+v", got)
	}
}

func TestSuggest(t *testing.T) {
	seen := map[string]bool{}
	for range 200 {
		text, err := Suggest()
		if err != nil || len(strings.Fields(text)) != 4 || seen[text] {
			t.Fatalf("%q, %v", text, err)
		}
		seen[text] = true
		if err := Check(text); err != nil {
			t.Errorf("%q is suggested and refused: %v", text, err)
		}
	}
}

// FuzzJudge: whatever is typed is judged.
func FuzzJudge(f *testing.F) {
	f.Add("copper lantern river tuesday", "Marisol")
	f.Add("\xff ü", "")
	f.Fuzz(func(t *testing.T, text, about string) {
		if s := Judge(text, about); s.Bars < 0 || s.Bars > 4 || s.Enough != (s.Bars >= 3) {
			t.Fatalf("%+v", s)
		}
	})
}
