package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"go.execx.dev/execx"
)

const (
	exitFailed        = 1
	exitNotExecutable = 126
	exitNotFound      = 127
	exitSignal        = 128 // and the number of the signal
)

// catch returns a channel of the signals to forward.
func catch() <-chan os.Signal {
	const last = 64
	signals := make(chan os.Signal, last)
	for sig := syscall.Signal(1); sig <= last; sig++ {
		switch sig {
		case syscall.SIGCHLD, syscall.SIGTTIN, syscall.SIGTTOU, syscall.SIGURG, syscall.SIGPROF:
		default:
			if !signal.Ignored(sig) {
				signal.Notify(signals, sig)
			}
		}
	}
	return signals
}

func init() { runtime.LockOSThread() } // keeps main on the main thread

// run runs the command, and returns the exit status. On the main thread, ReapAdopted does not have
// to ask whose child a zombie is, and reaps it at once.
func run(signals <-chan os.Signal, o options) int {
	unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) // for when this is not PID 1
	status := 0
	ctx, stop := context.WithCancel(context.Background())
	go func() {
		defer stop()
		status = runCommand(signals, o)
	}()
	execx.ReapAdopted(ctx)
	return status
}

func runCommand(signals <-chan os.Signal, o options) (status int) {
	c := execx.Command(o.command[0], o.command[1:]...)
	if errors.Is(c.Err, execx.ErrDot) {
		c.Err = nil // PATH is as whoever made the container wants it
	}
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
	c.ProcessGroup = o.group
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Foreground: inForeground(), Ctty: 0}
	err := c.Start()
	// In the background, init would be stopped when it writes to the terminal. Not before Start:
	// the command would inherit this.
	signal.Ignore(syscall.SIGTTIN, syscall.SIGTTOU)
	switch {
	case errors.Is(err, execx.ErrNotFound), errors.Is(err, fs.ErrNotExist):
		fmt.Fprintln(os.Stderr, "init:", err)
		return exitNotFound
	case err != nil:
		fmt.Fprintln(os.Stderr, "init:", err)
		return exitNotExecutable
	}

	for ended := c.WaitChan(context.Background()); ; {
		select {
		case sig := <-signals:
			c.Signal(sig) // fails if the command has ended, or may not be signalled
		case err := <-ended:
			if os.Getpid() == 1 {
				endOthers(o.grace)
			}
			return exitStatus(c, err)
		}
	}
}

// inForeground reports whether standard input is a terminal that init is in the foreground of.
func inForeground() bool {
	foreground, err := unix.IoctlGetInt(0, unix.TIOCGPGRP)
	return err == nil && foreground == unix.Getpgrp()
}

// endOthers sends SIGTERM to all other processes of the PID namespace, in which this one is PID 1.
// It returns when they are gone or grace is over: when PID 1 exits, the kernel kills the rest.
func endOthers(grace time.Duration) {
	deadline := time.After(grace)
	const all = -1
	syscall.Kill(all, syscall.SIGTERM)
	syscall.Kill(all, syscall.SIGCONT) // stopped processes would not get SIGTERM
	for tick := time.Tick(10 * time.Millisecond); syscall.Kill(all, 0) != syscall.ESRCH; {
		// Nothing else in this program waits for a child any more.
		for pid := 1; pid > 0; {
			pid, _ = syscall.Wait4(all, nil, syscall.WNOHANG, nil)
		}
		select {
		case <-tick:
		case <-deadline:
			return
		}
	}
}

// exitStatus returns the exit status that a shell would give c.
func exitStatus(c *execx.Cmd, err error) int {
	if c.ProcessState == nil {
		fmt.Fprintln(os.Stderr, "init:", err)
		return exitFailed
	}
	status := c.ProcessState.Sys().(syscall.WaitStatus)
	if status.Signaled() {
		return exitSignal + int(status.Signal())
	}
	return status.ExitStatus()
}
