package execx

import (
	"runtime"
	"time"
)

// lingering has a place for each thread that may be blocked in linger.
var lingering = make(chan struct{}, runtime.GOMAXPROCS(0))

// lingerFor is longer than a tick of the kernel's clock. A timer that is due before
// the next tick has to be programmed, which costs ten microseconds in a virtual
// machine, and one that is due later is not.
const lingerFor = 10 * time.Millisecond

// yields is how often a caller of linger lets other goroutines run first.
const yields = 5

// linger blocks a thread for a short while, until the process has ended, unless
// somebody waits for it already. To be woken by the network poller costs two
// switches of goroutines more, which is much for a process that lives for a few
// hundred microseconds.
//
// While others linger, there is likely to be more to do than to wait: it is done
// first, and meanwhile many a process ends.
func (p *child) linger() {
	p.mu.Lock()
	first := len(p.waiters) == 0 && p.phase <= watched && !p.returnsStops()
	process := p.process
	p.mu.Unlock()
	if !first {
		return
	}
	for i := 0; len(lingering) > 0 && i < yields; i++ {
		runtime.Gosched()
		if exited, _ := process.Exited(); exited {
			return
		}
	}
	select {
	case lingering <- struct{}{}:
		process.Linger(lingerFor)
		<-lingering
	default:
	}
}
