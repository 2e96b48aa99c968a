package execx

import (
	"os"
	"time"

	"go.execx.dev/internal/pidfd"
)

func init() {
	if os.Getenv(fullGrace) == "" {
		pidfd.LookEvery = 20 * time.Millisecond
	}
}
