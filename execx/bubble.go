package execx

import (
	"bytes"
	"context"
	"runtime"
	"time"

	"go.execx.dev/internal/pidfd"
)

// The goroutine that watches all processes must not belong to a bubble of testing/synctest: the
// timers that it starts would be those of the bubble, and the runtime aborts the program if they
// are used outside. So each wait in a bubble blocks a thread, as in os/exec.

// inBubble reports whether the calling goroutine belongs to a bubble.
func inBubble() bool { return inTest() && bytes.Contains(stackHeader(), []byte("synctest bubble")) }

// stackHeader returns the first line of the stack trace of the calling goroutine, which is the only
// place where the runtime shows some of its properties.
func stackHeader() []byte {
	var stack [128]byte
	line, _, _ := bytes.Cut(stack[:runtime.Stack(stack[:], false)], []byte("\n"))
	return line
}

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
