package execx

import (
	"os"
	"time"
)

// fullGrace is the environment variable by which a test gets the grace periods and intervals of a
// real program. They would make most tests a second longer.
const fullGrace = "EXECX_TEST_FULL_GRACE"

func init() {
	if os.Getenv(fullGrace) == "" {
		rescanInterval = 20 * time.Millisecond
		outputTime = 200 * time.Millisecond
		killTime = 2 * time.Second
	}
}

// Interrupted reports whether the end of c's context has been handled.
func (c *Cmd) Interrupted() bool {
	p := c.startedChild()
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cancel != uncanceled && p.cancel != canceling
}

// Block makes a goroutine block until c ends, as on systems where processes can't be watched.
func (c *Cmd) Block() {
	p := c.startedChild()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.blockLocked()
}
