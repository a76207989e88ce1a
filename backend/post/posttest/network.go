package posttest

import (
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"
)

// Network is a computer of its own, as far as the network goes: a namespace joined to ours by a cable.
type Network struct {
	Name string // as ip netns knows it
	Host string // its address, as we reach it
}

// NewNetwork makes one, which ends with the test, or skips the test with the reason why this computer makes none.
func NewNetwork(tb testing.TB) Network {
	tb.Helper()
	tag := fmt.Sprintf("%06x", rand.N(1<<24))
	// One of the /30 networks of 10.213.0.0/16.
	subnet := fmt.Sprintf("10.213.%d.", rand.N(256))
	last := 4 * rand.N(64)
	n := Network{Name: "postern-" + tag, Host: fmt.Sprintf("%s%d", subnet, last+2)}
	ours, theirs := "pst"+tag+"a", "pst"+tag+"b"
	for i, args := range [][]string{
		{"netns", "add", n.Name},
		{"link", "add", ours, "type", "veth", "peer", "name", theirs, "netns", n.Name},
		{"address", "add", fmt.Sprintf("%s%d/30", subnet, last+1), "dev", ours},
		{"link", "set", ours, "up"},
		{"-n", n.Name, "address", "add", n.Host + "/30", "dev", theirs},
		{"-n", n.Name, "link", "set", theirs, "up"},
		{"-n", n.Name, "link", "set", "lo", "up"},
	} {
		if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
			tb.Skipf("this computer makes no network of its own for the test: ip %s: %v: %s", strings.Join(args, " "), err, out)
		}
		if i == 0 {
			tb.Cleanup(func() {
				if out, err := exec.Command("ip", "netns", "delete", n.Name).CombinedOutput(); err != nil {
					tb.Errorf("%v: %s", err, out)
				}
			})
		}
	}
	return n
}

// Command is a program that runs there. It is not started.
func (n Network) Command(args ...string) *exec.Cmd {
	return exec.Command("ip", append([]string{"netns", "exec", n.Name}, args...)...)
}
