//go:build !unix

package projection_test

import "time"

func cpu() time.Duration { return 0 }
