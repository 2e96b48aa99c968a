package bench

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.execx.dev/bench/internal/rig"
	"go.execx.dev/execx"
)

// BenchmarkSpawn starts a child that exits immediately, and waits for it.
func BenchmarkSpawn(b *testing.B) {
	for _, workers := range []int{1, 16, 256} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			compare(b, func(b *testing.B, pkg rig.Package) {
				spawn(b, workers, func() error {
					c, _ := pkg.Command(nil, programs.Child)
					return c.Run()
				})
			})
			b.Run("start", func(b *testing.B) { spawnOS(b, workers) })
			b.Run("c", func(b *testing.B) { spawnC(b, workers) })
		})
	}
}

// BenchmarkSpawnContext is like BenchmarkSpawn, with a context that can be canceled but never is.
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

// BenchmarkSpawnCancel is like BenchmarkSpawnContext, with a custom Cancel, which may be called
// until the child has exited.
func BenchmarkSpawnCancel(b *testing.B) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for _, workers := range []int{1, 16} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			compare(b, func(b *testing.B, pkg rig.Package) {
				spawn(b, workers, func() error {
					c, fields := pkg.Command(ctx, programs.Child)
					fields.Cancel = func() error { return fields.Process.Signal(os.Interrupt) }
					return c.Run()
				})
			})
		})
	}
}

// BenchmarkDropped starts children and drops them, until the garbage collector has found all of
// them and they are reaped.
func BenchmarkDropped(b *testing.B) {
	b.Run("execx", func(b *testing.B) {
		spawn(b, 1, func() error {
			c, _ := rig.Execx.Command(nil, programs.Child)
			return c.Start()
		})
		for rig.Live() > execx.Orphans() { // the others are unreachable but not yet collected
			runtime.GC()
		}
		if err := execx.DrainOrphans(b.Context()); err != nil {
			b.Fatal(err)
		}
	})
}

// BenchmarkOutput reads the output of a child. The variant "run" shows the limit: it runs the same
// child without reading its output.
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
	b.Run("run", func(b *testing.B) {
		spawn(b, 1, func() error {
			c, _ := rig.OS.Command(nil, "echo", "hello")
			return c.Run()
		})
	})
}

// spawn calls f b.N times in total, from the given number of workers.
func spawn(b *testing.B, workers int, f func() error) {
	b.ReportAllocs()
	self, children := rig.CPU(), rig.ChildCPU()
	share(b, workers, func(int) error { return f() })
	report(b, b.Elapsed(), rig.CPU()-self, rig.ChildCPU()-children)
}

// share calls f once for each i from 0 to b.N-1, from the given number of workers, and times that.
func share(b *testing.B, workers int, f func(i int) error) {
	var running sync.WaitGroup
	var begun atomic.Int64
	b.ResetTimer()
	for range workers {
		running.Go(func() {
			for i := int(begun.Add(1)) - 1; i < b.N; i = int(begun.Add(1)) - 1 {
				if err := f(i); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	running.Wait()
	b.StopTimer()
}

// spawnOS is like spawn, but only calls os.StartProcess, which both packages use, and
// os.Process.Wait.
func spawnOS(b *testing.B, workers int) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		b.Fatal(err)
	}
	defer null.Close()
	attr := &os.ProcAttr{Files: []*os.File{null, null, null}}
	spawn(b, workers, func() error {
		p, err := os.StartProcess(programs.Child, []string{programs.Child}, attr)
		if err != nil {
			return err
		}
		_, err = p.Wait()
		return err
	})
}

// spawnC is like spawn, in C.
func spawnC(b *testing.B, workers int) {
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

// report reports metrics. The CPU time of a child starts at fork, so part of it is spent by the
// package that starts the child.
func report(b *testing.B, elapsed, self, children time.Duration) {
	b.ReportMetric(float64(b.N)/elapsed.Seconds(), "spawns/s")
	b.ReportMetric(microseconds(self)/float64(b.N), "parent-CPU-µs/child")
	b.ReportMetric(microseconds(self+children)/float64(b.N), "CPU-µs/child")
}
