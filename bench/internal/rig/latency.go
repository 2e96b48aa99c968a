package rig

import (
	"slices"
	"time"
)

// A Latency is the time from killing a child to the return of Wait, which has blocked in another
// goroutine.
type Latency struct {
	Each []time.Duration // sorted
	CPU  time.Duration   // of this process, per exit
}

// Percentile returns the p-th percentile of the latencies.
func (l *Latency) Percentile(p int) time.Duration { return Percentile(l.Each, p) }

// Percentile returns the p-th percentile of sorted.
func Percentile(sorted []time.Duration, p int) time.Duration {
	return sorted[(len(sorted)-1)*p/100]
}

// KillToWait kills n children, one after the other, while the given number of others are alive and
// waited for. It starts and waits for the n children in batches of the given size.
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

// settleTime is the time given to the goroutines to block. It is longer than execx blocks a thread
// for a child before it uses the network poller.
const settleTime = 30 * time.Millisecond

// measure kills n children and records their latencies.
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
	time.Sleep(settleTime)

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
