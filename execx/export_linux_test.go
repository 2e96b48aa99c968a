package execx

import (
	"os"
	"time"

	"go.execx.dev/internal/pidfd"
	"go.execx.dev/internal/reaper"
)

func init() {
	if os.Getenv(fullGrace) == "" {
		pidfd.PollInterval = 20 * time.Millisecond
		reaper.Hasten(5)
	}
}

// HasPdeathsigThread reports whether there is a thread that starts processes with Pdeathsig.
func HasPdeathsigThread() bool {
	pdeathsigStarter.mu.Lock()
	defer pdeathsigStarter.mu.Unlock()
	return pdeathsigStarter.current != nil
}
