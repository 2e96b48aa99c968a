package bench

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"go.execx.dev/bench/internal/rig"
)

// BenchmarkKillToWait measures the time from killing a child to the return of its Wait, while other
// children are waited for.
func BenchmarkKillToWait(b *testing.B) {
	for _, others := range []int{0, 1000} {
		b.Run(fmt.Sprintf("others=%d", others), func(b *testing.B) {
			compare(b, func(b *testing.B, pkg rig.Package) {
				l, err := rig.KillToWait(pkg, programs, others, 1, b.N)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(0, "ns/op") // omitted: it includes the setup
				b.ReportMetric(microseconds(l.Percentile(50)), "p50-µs")
				b.ReportMetric(microseconds(l.Percentile(99)), "p99-µs")
			})
		})
	}
}

// BenchmarkExits kills all children at once. Each has a goroutine in Wait, except in the variant
// "one", which shows the limit: a single goroutine that first calls Wait after all children were
// killed.
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

// exits reports how many children were reaped per second when n were killed, and by how much the
// worst tick of a clock was late meanwhile.
func exits(b *testing.B, pkg rig.Package, n int, wait func(*rig.Held)) {
	var elapsed, late time.Duration
	for range b.N {
		held, err := rig.Hold(pkg, programs, n)
		if err != nil {
			b.Fatal(err)
		}
		wait(held)
		runtime.GC() // collect the garbage of starting them

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

// A clock is a goroutine that should run every millisecond.
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

// stop stops the clock and returns by how much its worst tick was late.
func (c clock) stop() time.Duration {
	close(c.stopped)
	return <-c.late
}
