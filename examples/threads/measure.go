package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime/debug"
	"strconv"
	"sync"
	"time"

	"go.execx.dev/execx"
)

// A command is a *exec.Cmd or a *execx.Cmd.
type command interface {
	Start() error
	Wait() error
}

// packages maps the name of each package that can be measured to its Command function, which also
// returns the *exec.Cmd that holds the fields of the command.
var packages = map[string]func(name string, arg ...string) (command, *exec.Cmd){
	"os/exec": func(name string, arg ...string) (command, *exec.Cmd) {
		c := exec.Command(name, arg...)
		return c, c
	},
	"execx": func(name string, arg ...string) (command, *exec.Cmd) {
		c := execx.Command(name, arg...)
		return c, &c.Cmd
	},
}

// A measurement is the output of a measuring process. Memory is in KiB. A value that is unknown on
// this system is nil.
type measurement struct {
	Threads      *int
	Resident     *int
	KernelStacks *int
	Reaping      time.Duration
}

// report is the main function of a measuring process, whose argument is the number of children.
func report(pkg string, args []string, stdout, stderr io.Writer) int {
	m, err := measure(pkg, args)
	if err == nil {
		err = json.NewEncoder(stdout).Encode(m)
	}
	if err != nil {
		fmt.Fprintln(stderr, err)
		return exitFailed
	}
	return 0
}

// measure measures pkg. After an error, children may be left; they exit when this process does.
func measure(pkg string, args []string) (*measurement, error) {
	newCommand, ok := packages[pkg]
	if !ok || len(args) != 1 {
		return nil, fmt.Errorf("%s=%q is not for users to set", roleEnv, pkg)
	}
	n, err := strconv.Atoi(args[0])
	if err != nil {
		return nil, err
	}
	name := "cat"
	if _, err := exec.LookPath(name); err != nil {
		if name, err = os.Executable(); err != nil {
			return nil, err
		}
	}

	// The children read until this process exits, for whatever reason: no other process can write
	// to the pipe.
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer w.Close()
	env := append(os.Environ(), roleEnv+"="+childRole)
	commands := make([]command, n)
	processes := make([]*os.Process, n)
	for i := range n {
		c, fields := newCommand(name)
		fields.Env = env
		fields.Stdin = r
		fields.Stderr = os.Stderr
		if err := c.Start(); err != nil {
			return nil, fmt.Errorf("starting child %d: %w", i+1, err)
		}
		commands[i], processes[i] = c, fields.Process
	}

	m := new(measurement)
	debug.FreeOSMemory() // exclude the cost of starting the children
	before := proc("meminfo", "KernelStack")
	results := wait(commands)
	if err := settle(); err != nil {
		return nil, err
	}
	m.Threads = threads()
	m.Resident = proc("self/status", "VmRSS")
	m.KernelStacks = growth(before, proc("meminfo", "KernelStack"))

	killed := time.Now()
	for _, p := range processes {
		if err := p.Kill(); err != nil {
			return nil, fmt.Errorf("killing a child: %w", err)
		}
	}
	for range commands {
		err := <-results
		if _, ok := errors.AsType[*exec.ExitError](err); !ok {
			return nil, fmt.Errorf("a killed child: %v", err)
		}
	}
	m.Reaping = time.Since(killed)
	return m, nil
}

// growth returns how much a value of the whole machine has grown, or nil if it is unknown. The value
// may have shrunk because other programs have ended; then growth returns 0.
func growth(before, after *int) *int {
	if before == nil || after == nil {
		return nil
	}
	return new(max(0, *after-*before))
}

// wait waits for each command in a goroutine of its own and returns a channel of the results, once
// all these goroutines are about to call Wait.
func wait(commands []command) <-chan error {
	results := make(chan error, len(commands))
	var calling sync.WaitGroup
	calling.Add(len(commands))
	for _, c := range commands {
		go func() {
			calling.Done()
			results <- c.Wait()
		}()
	}
	calling.Wait()
	return results
}

// settle waits until the number of threads, if it is known, stays the same: the last goroutines to
// call Wait may not have blocked yet.
func settle() error {
	const interval, enough = 10 * time.Millisecond, 20
	tick := time.NewTicker(interval)
	defer tick.Stop()
	deadline := time.After(time.Minute)
	last := threads()
	for same := 0; last != nil && same < enough; same++ {
		select {
		case <-tick.C:
		case <-deadline:
			return errors.New("the number of threads does not settle")
		}
		now := threads()
		if now == nil || *now != *last {
			same = 0
		}
		last = now
	}
	return nil
}
