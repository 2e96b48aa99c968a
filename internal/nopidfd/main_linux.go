package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "nopidfd:", err)
		os.Exit(1)
	}
}

// run replaces this process by the command. It returns only if that fails.
func run(args []string) error {
	if len(args) < 2 {
		return errors.New("usage: nopidfd enosys|eperm|flags command [arg...]")
	}
	rules, ok := modes[args[0]]
	if !ok {
		return fmt.Errorf("%s is none of enosys, eperm and flags", args[0])
	}
	path, err := exec.LookPath(args[1])
	if err != nil {
		return err
	}
	runtime.LockOSThread() // a filter applies to a thread and to what it executes
	if err := refuse(rules); err != nil {
		return err
	}
	return os.NewSyscallError("execve", syscall.Exec(path, args[1:], os.Environ()))
}
