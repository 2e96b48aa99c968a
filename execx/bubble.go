package execx

import (
	"context"
	"time"

	"go.execx.dev/internal/pidfd"
	"go.execx.dev/internal/realtime"
)

// The goroutine that watches all processes must not belong to a bubble of testing/synctest: the
// timers that it starts would be those of the bubble, and the runtime aborts the program if they
// are used outside. So each wait in a bubble blocks a thread, as in os/exec.

// awaitExitInBubble polls until p has ended or ctx is done.
func awaitExitInBubble(ctx context.Context, p pidfd.Process) (exited bool, err error) {
	for {
		exited, err = p.Exited()
		if exited || err != nil || ctx.Err() != nil {
			return exited, err
		}
		pidfd.Pause(time.Millisecond)
	}
}

// A timer can be stopped by any goroutine, even if it belongs to a bubble of testing/synctest.
type timer struct {
	*time.Timer
	inBubble bool
}

func newTimer(d time.Duration, f func()) *timer {
	return &timer{time.AfterFunc(d, f), realtime.InBubble()}
}

// stop stops the timer, unless it belongs to a bubble and the caller is outside: the Go runtime
// aborts then. It reports whether it has stopped the timer.
func (t *timer) stop() bool { return (!t.inBubble || realtime.InBubble()) && t.Stop() }
