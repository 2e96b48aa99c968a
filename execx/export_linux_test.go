package execx

import (
	"os"
	"time"

	"go.execx.dev/internal/adopted"
	"go.execx.dev/internal/pidfd"
)

func init() {
	if os.Getenv(fullGrace) == "" {
		pidfd.LookEvery = 20 * time.Millisecond
		adopted.Hasten(5)
	}
}

// HasParent reports whether there is a thread for processes with Pdeathsig.
func HasParent() bool { return theParent.exists() }
