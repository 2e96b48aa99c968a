package execx

import (
	"runtime"
	"time"

	"go.execx.dev/internal/pidfd"
)

// lingering has a place for each thread that may be blocked in linger.
var lingering = make(chan struct{}, runtime.GOMAXPROCS(0))

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
	first := p.phase == unwatched
	p.mu.Unlock()
	if !first {
		return
	}
	select {
	case lingering <- struct{}{}:
		pidfd.Linger(p.process, lingerFor)
		<-lingering
	default:
	}
}
