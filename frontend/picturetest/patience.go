package picturetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// patience is how long one look at a page may take; on a machine with nothing else to do it takes some hundred ms.
const patience = time.Minute

// Patiently takes a step that waits for the browser to draw, and takes it again where that never happens: on a loaded
// machine Chromium now and then draws no frame until it is asked anew. The step must be one that can be taken twice.
func Patiently[T any](t testing.TB, page context.Context, step chromedp.Action[T]) (T, error) {
	t.Helper()
	for tries := 1; ; tries++ {
		ctx, cancel := context.WithTimeout(page, patience)
		out, err := chromedp.Run(ctx, step)
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) || tries == 3 || page.Err() != nil {
			return out, err
		}
		t.Logf("the browser did not answer within %s (%d)", patience, tries)
	}
}
