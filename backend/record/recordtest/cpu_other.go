//go:build !unix

package recordtest

import "time"

// CPU is not known here.
func CPU() time.Duration { return 0 }
