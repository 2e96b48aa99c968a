//go:build unix

package a

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

func reaps() {
	var status syscall.WaitStatus
	syscall.Wait4(-1, &status, 0, nil)                    // want "Wait4 reaps children of other packages"
	unix.Wait4(-1, nil, 0, nil)                           // want "Wait4 reaps children of other packages"
	unix.Waitid(unix.P_ALL, 0, nil, 0, nil)               // want "Waitid reaps children of other packages"
	syscall.Syscall(syscall.SYS_WAIT4, ^uintptr(0), 0, 0) // want "wait4 reaps a child by its PID"
}

func waits(pid int) {
	syscall.Wait4(pid, nil, 0, nil)           // want "Wait4 reaps a child by its PID"
	unix.Waitid(unix.P_PID, pid, nil, 0, nil) // want "Waitid reaps a child by its PID"
}

func signals() {
	c := make(chan os.Signal, 1)
	signal.Notify(c, os.Interrupt)
	signal.Notify(c, os.Interrupt, syscall.SIGCHLD) // want "a handler of SIGCHLD"
	signal.Ignore(syscall.SIGCHLD)                  // want "while SIGCHLD is ignored"
	signal.Reset(syscall.SIGCHLD)
}

func process(c *exec.Cmd, p *os.Process) {
	c.Process = p // want "replace it before anything waits"
	c.Dir = "/"
}

func pid() int {
	c := exec.Command("a")
	c.Start()
	return c.Process.Pid // want "keep the Cmd"
}

func pidAndWait() int {
	c := exec.Command("a")
	c.Start()
	go func() { c.Wait() }()
	return c.Process.Pid
}

func pidAndKept(keep func(*exec.Cmd)) int {
	c := exec.Command("a")
	keep(c)
	c.Start()
	return c.Process.Pid
}

func systemError(c *exec.Cmd) bool {
	err := c.Wait()
	if _, ok := err.(*os.SyscallError); ok { // want "be prepared for a nil error"
		return true
	}
	switch err.(type) {
	case *exec.ExitError:
	case *os.SyscallError: // want "be prepared for a nil error"
	}
	_, err = os.Open("a")
	var sys *os.SyscallError
	return errors.As(err, &sys)
}

func file(c *exec.Cmd) error {
	r, err := c.StdoutPipe()
	if err != nil {
		return err
	}
	f := r.(*os.File) // want "is not an .os.File"
	w, _ := c.StdinPipe()
	_ = w.(*os.File)
	return f.Close()
}

func copies(c *exec.Cmd) exec.Cmd {
	d := *c // want "must not be copied"
	e := exec.Cmd{Path: "a"}
	d = e                              // want "must not be copied"
	for _, f := range []exec.Cmd{{}} { // want "must not be copied"
		f.Run()
	}
	value(d) // want "must not be copied"
	p := &d
	_ = p
	return d // want "must not be copied"
}

func value(c exec.Cmd) {} // want "must not be copied"

func loop(c *exec.Cmd) {
	for {
		if err := c.Wait(); err != nil { // want "may not end"
			break
		}
	}
	for {
		c.Wait()
		break
	}
	for range 3 {
		c.Wait()
	}
	for i := 0; i < 3; i++ {
		c := exec.Command("a")
		c.Run()
		c.Wait()
	}
	for {
		go func() { c.Wait() }()
		c.Start()
	}
}
