package rig

import (
	"slices"
	"time"
)

// A Latency is how long it takes from killing a child to the return of Wait, in a goroutine that
// has blocked in it.
type Latency struct {
	Each []time.Duration // sorted
	CPU  time.Duration   // of this process, per exit
}

// Percentile returns the latency that p percent of the exits do not exceed.
func (l *Latency) Percentile(p int) time.Duration { return Percentile(l.Each, p) }

// Percentile returns what p percent of sorted do not exceed.
func Percentile(sorted []time.Duration, p int) time.Duration {
	return sorted[(len(sorted)-1)*p/100]
}

// KillToWait kills n children, one after the other, while so many others live and are waited for.
// They are started, and waited for, batch by batch.
func KillToWait(pkg Package, programs *Programs, others, batch, n int) (*Latency, error) {
	held, err := Hold(pkg, programs, others)
	if err != nil {
		return nil, err
	}
	defer held.Release()
	held.Wait()

	l := new(Latency)
	for len(l.Each) < n {
		if err := l.measure(held, min(batch, n-len(l.Each))); err != nil {
			return nil, err
		}
	}
	slices.Sort(l.Each)
	l.CPU /= time.Duration(n)
	return l, nil
}

// settled is how long the goroutines are given to block. It is longer than execx blocks a thread
// for a child before it turns to the network poller.
const settled = 30 * time.Millisecond

// measure kills n children.
func (l *Latency) measure(held *Held, n int) error {
	type victim struct {
		kill     func() error
		returned chan time.Time
	}
	victims := make([]victim, n)
	for i := range victims {
		c, p, err := held.Start()
		if err != nil {
			return err
		}
		v := victim{p.Kill, make(chan time.Time, 1)}
		go func() {
			c.Wait()
			v.returned <- time.Now()
		}()
		victims[i] = v
	}
	time.Sleep(settled)

	cpu := CPU()
	for _, v := range victims {
		killed := time.Now()
		if err := v.kill(); err != nil {
			return err
		}
		l.Each = append(l.Each, (<-v.returned).Sub(killed))
	}
	l.CPU += CPU() - cpu
	return nil
}
