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

// What it costs a supervisor, which is one loop, to learn that one of its children has ended.
func BenchmarkEvents(b *testing.B) {
	for _, n := range []int{10, 100, 1000, 2000} {
		b.Run(fmt.Sprintf("children=%d", n), func(b *testing.B) {
			compare(b, func(b *testing.B, pkg rig.Package) { events(b, pkg, n, byGoroutine) })
			b.Run("after", func(b *testing.B) { events(b, rig.Execx, n, byAfterWait) })
			b.Run("select", func(b *testing.B) { events(b, rig.Execx, n, bySelect) })
		})
	}
	// So many take seconds to start, and with os/exec more threads than the runtime allows.
	const many = 10000
	b.Run(fmt.Sprintf("children=%d", many), func(b *testing.B) {
		if !descriptors(many) {
			b.Skip("not enough descriptors")
		}
		b.Run("after", func(b *testing.B) { events(b, rig.Execx, many, byAfterWait) })
	})
}

// descriptors reports whether there are descriptors for n children, and some to spare.
func descriptors(n int) bool {
	var limit syscall.Rlimit
	err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit)
	return err == nil && limit.Cur >= uint64(n)+100
}

// A loop is how the children are watched by one goroutine: watch begins to watch child i, and next
// returns the number of one that has ended.
type loop struct {
	watch func(i int)
	next  func() int
}

// byGoroutine has a goroutine for each child wait for it.
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

// bySelect selects from the channels of all.
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
			cases[i].Chan = reflect.Value{} // which is closed
			return i
		},
	}
}

// events has b.N of n children end, each when the loop has learned of the one before, and reports
// what processor time that took. They are started again in batches, untimed, so that four fifths of
// them live all the time.
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
	runtime.GC() // of what it took to start them
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
	b.ReportMetric(0, "ns/op") // that of all the rest, too
	b.ReportMetric(microseconds(cpu)/float64(b.N), "parent-CPU-µs/exit")
}
