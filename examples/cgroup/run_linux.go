package main

import (
	"cmp"
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"

	"go.execx.dev/execx"
)

// run runs the command in its own control group and returns the exit status.
func run(o options) (status int, err error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if o.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.timeout)
		defer cancel()
	}

	group, err := newCgroup(o.parent)
	if err != nil {
		return exitFailed, err
	}
	defer func() { err = errors.Join(err, group.end()) }() // also kills the processes that the command left behind
	if err := cmp.Or(group.set("memory.max", o.memory), group.set("pids.max", o.pids)); err != nil {
		return exitFailed, err
	}
	dir, err := os.Open(string(group))
	if err != nil {
		return exitFailed, err
	}
	defer dir.Close()

	c := execx.CommandContext(ctx, o.command[0], o.command[1:]...)
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
	// The process starts in the control group: there is no window in which it could escape.
	c.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(dir.Fd())}
	c.Cancel = group.kill
	if err = c.Run(); c.ProcessState == nil {
		return exitFailed, err
	}
	if status := c.ProcessState.Sys().(syscall.WaitStatus); status.Signaled() {
		return 128 + int(status.Signal()), ctx.Err()
	}
	return c.ProcessState.ExitCode(), nil
}
