package execx

import (
	"os"
	"time"
)

// fullGrace is the environment variable by which a test has zombies that were forgotten left
// alone for as long as in a program, and all else waited for. It would take most tests a second each.
const fullGrace = "EXECX_TEST_FULL_GRACE"

func init() {
	if os.Getenv(fullGrace) == "" {
		rescanInterval = 20 * time.Millisecond
		outputTime = 200 * time.Millisecond
		killTime = 2 * time.Second
	}
}

// Interrupted reports whether the end of c's context has been acted on.
func (c *Cmd) Interrupted() bool {
	p := c.startedChild()
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cancel != uncanceled && p.cancel != canceling
}

// Block has a goroutine blocked in a wait for c, as where processes can't be watched.
func (c *Cmd) Block() {
	p := c.startedChild()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.blockLocked()
}
