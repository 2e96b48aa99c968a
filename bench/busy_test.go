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

// slice is for how long the runtime lets a goroutine run that others wait for.
const slice = 10 * time.Millisecond

// Starting a child that exits at once, and waiting for it, while all processors are wanted by
// goroutines that compute. Who gives up the processor then, instead of blocking, gets it back when
// each of them has had its slice of time.
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
		// Where few waits take slices of time and all others none, a percentile can be either.
		slow, _ := slices.BinarySearch(waits, slice)
		b.ReportMetric(100*float64(b.N-slow)/float64(b.N), "slow-%")
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "spawns/s")
	})
}

// compute has n goroutines compute until stop is called, which returns when all have stopped. They
// never block: only the runtime, when it preempts them, lets others run.
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
