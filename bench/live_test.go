package bench

import (
	"fmt"
	"testing"

	"go.execx.dev/bench/internal/rig"
	"go.execx.dev/execx"
)

// What it costs to ask which commands are live.
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

// What it costs to ask what has become of commands, by several goroutines at once.
func BenchmarkReadStats(b *testing.B) {
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			execx.ReadStats()
		}
	})
}
