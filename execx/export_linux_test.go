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

// HasParent reports whether there is a thread that starts processes with Pdeathsig.
func HasParent() bool { return pdeathsigThread.exists() }
