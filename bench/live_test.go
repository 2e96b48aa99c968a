package bench

import (
	"fmt"
	"testing"

	"go.execx.dev/bench/internal/rig"
	"go.execx.dev/execx"
)

// BenchmarkLive measures the cost of execx.Live.
func BenchmarkLive(b *testing.B) {
	for _, n := range []int{10, 1000} {
		b.Run(fmt.Sprintf("children=%d", n), func(b *testing.B) {
			held, err := rig.Hold(rig.Execx, programs, n)
			if err != nil {
				b.Fatal(err)
			}
			defer held.Release()
			for b.Loop() {
				if len(execx.Live()) != n {
					b.Fatal("some are missing")
				}
			}
		})
	}
}

// BenchmarkReadStats measures the cost of execx.ReadStats, called by several goroutines
// concurrently.
func BenchmarkReadStats(b *testing.B) {
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			execx.ReadStats()
		}
	})
}
