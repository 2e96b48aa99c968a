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

// linger blocks a thread for a short while, until the process has ended, unless
// somebody waits for it already. To be woken by the network poller costs two
// switches of goroutines more, which is much for a process that lives for a few
// hundred microseconds.
func (p *child) linger() {
	p.mu.Lock()
	first := p.waiting == 0 && p.phase <= watched && !p.returnsStops()
	process := p.process
	p.mu.Unlock()
	if !first {
		return
	}
	// The runtime changes GOMAXPROCS when a limit of the container does.
	if lingering.Add(1) <= int32(runtime.GOMAXPROCS(0)) {
		process.Linger(lingerFor)
	}
	lingering.Add(-1)
}
