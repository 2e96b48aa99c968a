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
	exitSignal        = 128 // plus the signal number
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

// run runs the command and returns the exit status. It calls ReapAdopted on the main thread, where
// ReapAdopted can reap a zombie immediately, without finding out whose child it is.
func run(signals <-chan os.Signal, o options) int {
	unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) // in case this is not PID 1
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
		c.Err = nil // trust the PATH of the container
	}
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
	c.ProcessGroup = o.group
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Foreground: inForeground(), Ctty: 0}
	err := c.Start()
	// In the background, init would be stopped when it writes to the terminal. Do this after Start,
	// because the command would inherit it.
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
			c.Signal(sig) // fails if the command has exited, or may not be signaled
		case err := <-ended:
			if os.Getpid() == 1 {
				endOthers(o.grace)
			}
			return exitStatus(c, err)
		}
	}
}

// inForeground reports whether standard input is a terminal and init is in its foreground process
// group.
func inForeground() bool {
	foreground, err := unix.IoctlGetInt(0, unix.TIOCGPGRP)
	return err == nil && foreground == unix.Getpgrp()
}

// endOthers sends SIGTERM to all other processes of the PID namespace, in which this process is PID
// 1. It returns when they have exited or grace is over: when PID 1 exits, the kernel kills the
// rest.
func endOthers(grace time.Duration) {
	deadline := time.After(grace)
	const all = -1
	syscall.Kill(all, syscall.SIGTERM)
	syscall.Kill(all, syscall.SIGCONT) // stopped processes do not handle SIGTERM
	for tick := time.Tick(10 * time.Millisecond); syscall.Kill(all, 0) != syscall.ESRCH; {
		// Nothing else in this program waits for children by now.
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

// exitStatus returns the exit status that a shell would report for c.
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
