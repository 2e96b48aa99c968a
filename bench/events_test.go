package bench

import (
	"context"
	"fmt"
	"reflect"
	"runtime"
	"syscall"
	"testing"
	"time"

	"go.execx.dev/bench/internal/rig"
	"go.execx.dev/execx"
)

// BenchmarkEvents measures what it costs a supervisor with a single loop to learn that one of its
// children has exited.
func BenchmarkEvents(b *testing.B) {
	for _, n := range []int{10, 100, 1000, 2000} {
		b.Run(fmt.Sprintf("children=%d", n), func(b *testing.B) {
			compare(b, func(b *testing.B, pkg rig.Package) { events(b, pkg, n, byGoroutine) })
			b.Run("after", func(b *testing.B) { events(b, rig.Execx, n, byAfterWait) })
			b.Run("select", func(b *testing.B) { events(b, rig.Execx, n, bySelect) })
		})
	}
	// This many children take seconds to start. With os/exec, they need more threads than the
	// runtime allows.
	const many = 10000
	b.Run(fmt.Sprintf("children=%d", many), func(b *testing.B) {
		if !descriptors(many) {
			b.Skip("not enough descriptors")
		}
		b.Run("after", func(b *testing.B) { events(b, rig.Execx, many, byAfterWait) })
	})
}

// descriptors reports whether the limit on file descriptors allows n children, with some to spare.
func descriptors(n int) bool {
	var limit syscall.Rlimit
	err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit)
	return err == nil && limit.Cur >= uint64(n)+100
}

// A loop watches the children from one goroutine: watch starts watching child i, and next returns
// the index of a child that has exited.
type loop struct {
	watch func(i int)
	next  func() int
}

// byGoroutine waits for each child in a goroutine.
func byGoroutine(held *rig.Held) loop {
	ended := make(chan int, len(held.Commands))
	return loop{
		watch: func(i int) { held.WaitFor(i, func() { ended <- i }) },
		next:  func() int { return <-ended },
	}
}

func byAfterWait(held *rig.Held) loop {
	ended := make(chan int, len(held.Commands))
	return loop{
		watch: func(i int) { held.Commands[i].(*execx.Cmd).AfterWait(func(error) { ended <- i }) },
		next:  func() int { return <-ended },
	}
}

// bySelect selects from the channels of all children.
func bySelect(held *rig.Held) loop {
	cases := make([]reflect.SelectCase, len(held.Commands))
	for i := range cases {
		cases[i].Dir = reflect.SelectRecv
	}
	return loop{
		watch: func(i int) {
			result := held.Commands[i].(*execx.Cmd).WaitChan(context.Background())
			cases[i].Chan = reflect.ValueOf(result)
		},
		next: func() int {
			i, _, _ := reflect.Select(cases)
			cases[i].Chan = reflect.Value{} // the channel is closed
			return i
		},
	}
}

// events ends b.N children, one after the other, each after the loop has learned of the previous
// exit, and reports the CPU time per exit. Of n children, at least four fifths are alive at any
// time: they are restarted in batches, which is not timed.
func events(b *testing.B, pkg rig.Package, n int, by func(*rig.Held) loop) {
	held, err := rig.Hold(pkg, programs, n)
	if err != nil {
		b.Fatal(err)
	}
	defer held.Release()
	loop := by(held)
	for i := range n {
		loop.watch(i)
	}
	runtime.GC() // collect the garbage of starting them
	rig.Settle()

	var cpu time.Duration
	for done := 0; done < b.N; {
		batch := min(n/5, 100, b.N-done)
		before := rig.CPU()
		for i := range batch {
			victim := (done + i) % n
			if err := held.Processes[victim].Kill(); err != nil {
				b.Fatal(err)
			}
			if i := loop.next(); i != victim {
				b.Fatalf("child %d has ended, not %d", i, victim)
			}
		}
		cpu += rig.CPU() - before
		for i := range batch {
			again := (done + i) % n
			if err := held.Restart(again); err != nil {
				b.Fatal(err)
			}
			loop.watch(again)
		}
		done += batch
		if done < b.N {
			rig.Settle()
		}
	}
	b.ReportMetric(0, "ns/op") // omitted: it includes the setup
	b.ReportMetric(microseconds(cpu)/float64(b.N), "parent-CPU-µs/exit")
}
