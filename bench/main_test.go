package bench

import (
	"fmt"
	"os"
	"testing"
	"time"

	"go.execx.dev/bench/internal/rig"
)

var programs *rig.Programs

func TestMain(m *testing.M) {
	if role := os.Getenv(roleEnv); role != "" {
		os.Exit(waited(role))
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if programs, err = rig.Build(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// compare runs f for each package.
func compare(b *testing.B, f func(b *testing.B, pkg rig.Package)) {
	for _, pkg := range rig.Packages {
		b.Run(pkg.Name, func(b *testing.B) { f(b, pkg) })
	}
}

// microseconds returns d in µs, for a metric.
func microseconds(d time.Duration) float64 { return float64(d) / 1e3 }
