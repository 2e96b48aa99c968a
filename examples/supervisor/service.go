package main

import (
	"errors"
	"io"
	"os"
	"time"

	"go.execx.dev/execx"
)

// patience is how long to wait for what takes no time unless something is wrong.
const patience = 5 * time.Second

// A service is a command that is kept alive.
type service struct {
	command
	cmd      *execx.Cmd // started last, or nil
	running  bool       // whether cmd does, as far as we know
	began    time.Time  // when cmd was started
	failures int        // how many in a row ended too soon, or didn't even start

	due   time.Time // when to start it again, if it isn't running
	until time.Time // how long to wait then for what cmd has left behind
}

// start starts the service, which isn't running.
func (v *service) start(stdout, stderr io.Writer) error {
	v.letGo()
	c := execx.Command(v.args[0], v.args[1:]...)
	c.Stdout, c.Stderr = stdout, stderr
	c.ProcessGroup = true // which Ctrl-C does not reach
	if err := c.Start(); err != nil {
		return err
	}
	v.cmd, v.began, v.running = c, time.Now(), true
	return nil
}

// retry has the service, which has ended or failed to start, started again. It
// returns the delay.
func (v *service) retry(b *backoff) time.Duration {
	if v.running {
		v.running = false
		v.endGroup()
		if time.Since(v.began) >= b.stable {
			v.failures = 0
		}
	}
	delay := b.delay(v.failures)
	v.failures++
	v.due = time.Now().Add(delay)
	v.until = v.due.Add(patience)
	return delay
}

// endGroup kills what the command, which has ended, has left of its group, and
// reports whether there was nothing.
func (v *service) endGroup() bool {
	return v.cmd == nil || errors.Is(v.cmd.Kill(), os.ErrProcessDone)
}

// letGo gives back what it takes to reach the group.
func (v *service) letGo() {
	if v.cmd != nil {
		v.cmd.Close()
		v.cmd = nil
	}
}
