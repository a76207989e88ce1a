package backend

import "runtime/debug"

// Version is this program's. A release sets it as it is linked: -ldflags "-X postern/backend.Version=1.2.0".
var Version = func() string {
	if b, ok := debug.ReadBuildInfo(); ok && b.Main.Version != "" && b.Main.Version != "(devel)" {
		return b.Main.Version
	}
	return "devel"
}()
