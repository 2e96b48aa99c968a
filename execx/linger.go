package execx

import (
	"runtime"
	"sync/atomic"
	"time"
)

// lingering is how many threads are blocked in linger.
var lingering atomic.Int32

// lingerFor is longer than a tick of the kernel's clock. A timer that is due before
// the next tick has to be programmed, which costs ten microseconds in a virtual
// machine, and one that is due later is not.
const lingerFor = 10 * time.Millisecond

// yields is how often a caller of linger lets other goroutines run first.
const yields = 5

// yieldsAgain is when a yield may be tried next, in nanoseconds of the clock: where goroutines
// compute, it takes until each of them has had its slice of time, tens of milliseconds in all.
var yieldsAgain atomic.Int64

const (
	quickYield  = 50 * time.Microsecond
	slowerYield = 5 * time.Second // until the next try
)

// linger blocks a thread for a short while, until the process has ended, unless
// somebody waits for it already. To be woken by the network poller costs two
// switches of goroutines more, which is much for a process that lives for a few
// hundred microseconds.
//
// While others linger, there is likely to be more to do than to wait: it is done
// first, and meanwhile many a process ends.
func (p *child) linger() {
	p.mu.Lock()
	first := p.waiting == 0 && p.phase <= watched && !p.returnsStops()
	process := p.process
	p.mu.Unlock()
	if !first {
		return
	}
	for i := 0; lingering.Load() > 0 && i < yields && yield(); i++ {
		if exited, _ := process.Exited(); exited {
			return
		}
	}
	// The runtime changes GOMAXPROCS when a limit of the container does.
	if lingering.Add(1) <= int32(runtime.GOMAXPROCS(0)) {
		process.Linger(lingerFor)
	}
	lingering.Add(-1)
}

// yield lets other goroutines run, unless that has taken long recently.
func yield() bool {
	began := time.Now()
	if began.UnixNano() < yieldsAgain.Load() {
		return false
	}
	runtime.Gosched()
	if took := time.Since(began); took > quickYield {
		yieldsAgain.Store(began.Add(slowerYield).UnixNano())
		return false
	}
	return true
}
