package app

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// BenchmarkWindow is the real window: from the start of the program to the sign-in page, from a click to what it shows, and
// the memory of all its processes. Times are read over AT-SPI, whose own pace is in them: they are upper bounds.
func BenchmarkWindow(b *testing.B) {
	program, d := windowed(b), newDesktop(b)
	data := filepath.Join(b.TempDir(), "d")
	demo := start(b, "demo", "--browser", "--data", data)
	var opened, clicked []time.Duration
	var memory int
	for b.Loop() {
		begin := time.Now()
		w := d.window("bench", program, "--data", data, "--new-window")
		w.find("button", "Sign in")
		opened = append(opened, time.Since(begin))
		signIn(w, "Rosa Delgado (nurse)")
		w.sees("Unassigned")
		for _, queue := range []string{"Overdue", "Completed", "Unassigned"} {
			begin := time.Now()
			w.follow(queue)
			w.until("see the queue", "text", nil, func(v any) bool { return strings.Contains(plain(v), queue+" ") })
			clicked = append(clicked, time.Since(begin))
		}
		memory = max(memory, pss(b, w.cmd.Process.Pid))
		if err := w.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			b.Fatal(err)
		}
		_ = w.cmd.Wait() // a later run shows it
	}
	if err := demo.kill(syscall.SIGTERM); err != nil {
		b.Error(err)
	}
	report := func(all []time.Duration, unit string) {
		slices.Sort(all)
		b.ReportMetric(float64(all[len(all)/2].Microseconds())/1000, unit)
	}
	report(opened, "ms-to-sign-in")
	report(clicked, "ms-click-to-shown")
	b.ReportMetric(float64(memory)/1024, "MB-PSS")
}

// pss is the memory of a process and all below it, in KiB, each shared page divided among those who share it.
func pss(tb testing.TB, pid int) (kib int) {
	tb.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		tb.Fatal(err)
	}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		if f := strings.Fields(lines.Text()); len(f) > 1 && f[0] == "Pss:" {
			n, err := strconv.Atoi(f[1])
			if err != nil {
				tb.Fatal(err)
			}
			kib += n
		}
	}
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		tb.Fatal(err)
	}
	for _, t := range tasks {
		children, err := os.ReadFile(t)
		if err != nil {
			continue // it has ended
		}
		for _, c := range strings.Fields(string(children)) {
			if child, err := strconv.Atoi(c); err == nil {
				kib += pss(tb, child)
			}
		}
	}
	return kib
}
