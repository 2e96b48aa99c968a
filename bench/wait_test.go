package bench

import (
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"go.execx.dev/bench/internal/rig"
)

// From killing a child to the return of the Wait that waits for it, while so many
// others are waited for.
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

// Children that are all waited for, and exit all at once.
func BenchmarkExits(b *testing.B) {
	for _, n := range []int{1000, 5000, 10000} {
		b.Run(fmt.Sprintf("children=%d", n), func(b *testing.B) {
			compare(b, func(b *testing.B, pkg rig.Package) {
				if pkg.Name == "os" && n > 9000 {
					b.Skip("the runtime aborts a program that needs 10,000 threads")
				}
				var elapsed, late time.Duration
				for range b.N {
					d, l := exits(b, pkg, n)
					elapsed += d
					late = max(late, l)
				}
				b.ReportMetric(0, "ns/op")
				b.ReportMetric(float64(n)*float64(b.N)/elapsed.Seconds(), "reaped/s")
				b.ReportMetric(float64(late)/1e6, "worst-tick-ms")
			})
		})
	}
}

// exits returns how long it took to reap n children that exited all at once, and
// by how much the latest tick of a clock was late meanwhile.
func exits(b *testing.B, pkg rig.Package, n int) (elapsed, late time.Duration) {
	held, err := rig.Hold(pkg, programs, n)
	if err != nil {
		b.Fatal(err)
	}
	held.Wait()
	runtime.GC() // that is not due to what is measured

	stop := make(chan struct{})
	var ticking sync.WaitGroup
	ticking.Go(func() {
		const interval = time.Millisecond
		tick := time.NewTicker(interval)
		defer tick.Stop()
		for last := time.Now(); ; {
			select {
			case <-stop:
				return
			case <-tick.C:
			}
			now := time.Now()
			late = max(late, now.Sub(last)-interval)
			last = now
		}
	})
	begin := time.Now()
	held.Release()
	elapsed = time.Since(begin)
	close(stop)
	ticking.Wait()
	return elapsed, late
}
