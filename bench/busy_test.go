package bench

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.execx.dev/bench/internal/rig"
)

// slice is the time for which the Go scheduler lets a goroutine run before it preempts it.
const slice = 10 * time.Millisecond

// BenchmarkBusy starts a child that exits immediately, and waits for it, while other goroutines
// compete for all processors. A goroutine that yields the processor then, instead of blocking, does
// not get it back until each of the others has had its time slice.
func BenchmarkBusy(b *testing.B) {
	const processors, computing, workers = 2, 6, 4
	compare(b, func(b *testing.B, pkg rig.Package) {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(processors))
		defer compute(computing)()

		waits := make([]time.Duration, b.N)
		share(b, workers, func(i int) error {
			c, _ := pkg.Command(nil, programs.Child)
			if err := c.Start(); err != nil {
				return err
			}
			started := time.Now()
			err := c.Wait()
			waits[i] = time.Since(started)
			return err
		})
		slices.Sort(waits)
		for _, p := range []struct {
			percent int
			unit    string
		}{{50, "p50-µs"}, {90, "p90-µs"}, {99, "p99-µs"}} {
			b.ReportMetric(microseconds(rig.Percentile(waits, p.percent)), p.unit)
		}
		// If a few waits take whole time slices and the others almost no time, a percentile can
		// land on either kind.
		slow, _ := slices.BinarySearch(waits, slice)
		b.ReportMetric(100*float64(b.N-slow)/float64(b.N), "slow-%")
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "spawns/s")
	})
}

// compute keeps n goroutines busy until stop is called, which returns when all have stopped. They
// never block: other goroutines run only when the scheduler preempts these.
func compute(n int) (stop func()) {
	var running sync.WaitGroup
	var stopped atomic.Bool
	for range n {
		running.Go(func() {
			for i := 0; !stopped.Load(); i++ {
			}
		})
	}
	return func() {
		stopped.Store(true)
		running.Wait()
	}
}
