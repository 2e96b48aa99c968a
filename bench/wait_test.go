package bench

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"go.execx.dev/bench/internal/rig"
)

// From killing a child to the return of the Wait that waits for it, while so many others are waited
// for.
func BenchmarkKillToWait(b *testing.B) {
	for _, others := range []int{0, 1000} {
		b.Run(fmt.Sprintf("others=%d", others), func(b *testing.B) {
			compare(b, func(b *testing.B, pkg rig.Package) {
				l, err := rig.KillToWait(pkg, programs, others, 1, b.N)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(0, "ns/op") // that of all the rest, too
				b.ReportMetric(microseconds(l.Percentile(50)), "p50-µs")
				b.ReportMetric(microseconds(l.Percentile(99)), "p99-µs")
			})
		})
	}
}

// Children that are killed all at once. They are waited for by a goroutine each or, as the limit,
// by one for them all, which has seen none of them before they were killed.
func BenchmarkExits(b *testing.B) {
	for _, n := range []int{2000, 10000} {
		b.Run(fmt.Sprintf("children=%d", n), func(b *testing.B) {
			compare(b, func(b *testing.B, pkg rig.Package) {
				if pkg.Name == "os" && n > 9000 {
					b.Skip("the runtime aborts a program that needs 10,000 threads")
				}
				exits(b, pkg, n, (*rig.Held).Wait)
			})
			b.Run("one", func(b *testing.B) { exits(b, rig.OS, n, func(*rig.Held) {}) })
		})
	}
}

// exits reports how many of n children were reaped in a second, and by how much the latest tick of
// a clock was late meanwhile.
func exits(b *testing.B, pkg rig.Package, n int, wait func(*rig.Held)) {
	var elapsed, late time.Duration
	for range b.N {
		held, err := rig.Hold(pkg, programs, n)
		if err != nil {
			b.Fatal(err)
		}
		wait(held)
		runtime.GC() // of what it took to start them

		clock := startClock()
		begin := time.Now()
		if err := held.Kill(); err != nil {
			b.Fatal(err)
		}
		held.Reap()
		elapsed += time.Since(begin)
		late = max(late, clock.stop())
		held.Release()
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(n)*float64(b.N)/elapsed.Seconds(), "reaped/s")
	b.ReportMetric(float64(late)/float64(time.Millisecond), "worst-tick-ms")
}

// A clock is a goroutine that wants to run every millisecond.
type clock struct {
	stopped chan struct{}
	late    chan time.Duration
}

func startClock() clock {
	c := clock{make(chan struct{}), make(chan time.Duration)}
	go func() {
		const interval = time.Millisecond
		tick := time.NewTicker(interval)
		defer tick.Stop()
		var late time.Duration
		for last := time.Now(); ; {
			select {
			case <-tick.C:
			case <-c.stopped:
				c.late <- late
				return
			}
			now := time.Now()
			late = max(late, now.Sub(last)-interval)
			last = now
		}
	}()
	return c
}

// stop stops the clock, and returns by how much its latest tick was late.
func (c clock) stop() time.Duration {
	close(c.stopped)
	return <-c.late
}
