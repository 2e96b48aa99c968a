package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "nopidfd:", err)
		os.Exit(1)
	}
}

// run replaces this process by the command, and returns only if that fails.
func run(args []string) error {
	if len(args) < 2 {
		return errors.New("usage: nopidfd enosys|eperm command [arg...]")
	}
	errno, ok := map[string]unix.Errno{"enosys": unix.ENOSYS, "eperm": unix.EPERM}[args[0]]
	if !ok {
		return fmt.Errorf("%s is neither enosys nor eperm", args[0])
	}
	path, err := exec.LookPath(args[1])
	if err != nil {
		return err
	}
	runtime.LockOSThread() // a filter is that of a thread, and of what it executes
	if err := refuse(errno); err != nil {
		return err
	}
	return os.NewSyscallError("execve", syscall.Exec(path, args[1:], os.Environ()))
}
