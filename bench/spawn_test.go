package bench

import (
	"context"
	"fmt"
	"os/exec"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.execx.dev/bench/internal/rig"
)

// Starting a child that exits at once, and waiting for it.
func BenchmarkSpawn(b *testing.B) {
	for _, workers := range []int{1, 16, 256} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			compare(b, func(b *testing.B, pkg rig.Package) {
				spawn(b, workers, func() error {
					c, _ := pkg.Command(nil, programs.Child)
					return c.Run()
				})
			})
			b.Run("c", func(b *testing.B) { spawnLoop(b, workers) })
		})
	}
}

// The same, with a context that could end the child, and does not.
func BenchmarkSpawnContext(b *testing.B) {
	const workers = 16
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
		compare(b, func(b *testing.B, pkg rig.Package) {
			spawn(b, workers, func() error {
				c, _ := pkg.Command(ctx, programs.Child)
				return c.Run()
			})
		})
	})
}

// Reading what a child writes.
func BenchmarkOutput(b *testing.B) {
	compare(b, func(b *testing.B, pkg rig.Package) {
		spawn(b, 1, func() error {
			c, _ := pkg.Command(nil, "echo", "hello")
			out, err := c.Output()
			if err == nil && string(out) != "hello\n" {
				err = fmt.Errorf("echo wrote %q", out)
			}
			return err
		})
	})
}

// spawn has so many workers call f, b.N times altogether.
func spawn(b *testing.B, workers int, f func() error) {
	b.ReportAllocs()
	var running sync.WaitGroup
	var begun atomic.Int64
	self, children := rig.CPU(), rig.ChildCPU()
	b.ResetTimer()
	for range workers {
		running.Go(func() {
			for begun.Add(1) <= int64(b.N) {
				if err := f(); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	running.Wait()
	b.StopTimer()
	report(b, b.Elapsed(), rig.CPU()-self, rig.ChildCPU()-children)
}

// spawnLoop is spawn in C.
func spawnLoop(b *testing.B, workers int) {
	if programs.Loop == "" {
		b.Skip("there is no C compiler")
	}
	out, err := exec.Command(programs.Loop, strconv.Itoa(workers), strconv.Itoa(b.N), programs.Child).Output()
	if err != nil {
		b.Fatal(err)
	}
	var elapsed, self, children time.Duration
	if _, err := fmt.Sscan(string(out), (*int64)(&elapsed), (*int64)(&self), (*int64)(&children)); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(elapsed)/float64(b.N), "ns/op")
	report(b, elapsed, self, children)
}

// report reports metrics. The processor time of a child begins when it is forked,
// so part of what it does is the doing of the package that starts it.
func report(b *testing.B, elapsed, self, children time.Duration) {
	b.ReportMetric(float64(b.N)/elapsed.Seconds(), "spawns/s")
	b.ReportMetric(microseconds(self)/float64(b.N), "parent-CPU-µs/child")
	b.ReportMetric(microseconds(self+children)/float64(b.N), "CPU-µs/child")
}
