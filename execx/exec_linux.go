package execx

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"reflect"
	"runtime"
	"sync"
	"syscall"
	"unsafe"

	"go.execx.dev/internal/pidfd"
	"go.execx.dev/internal/thread"
)

// startAttempt starts the process.
//
// Pdeathsig is sent when the thread that has started the process ends, see
// prctl(2), and threads of Go end when they like (go.dev/issue/27505). So these
// processes are started from a thread that outlives them. A goroutine that is locked to its
// thread has one of its own, though, which may have other rights than the rest of the program,
// and is the tracer of what it starts with Ptrace.
func (l *launch) startAttempt(c *Cmd) error {
	attr := l.attempt.SysProcAttr
	if attr == nil || attr.Pdeathsig == 0 || attr.Ptrace || lockedToThread() {
		return l.attempt.Start()
	}
	err := pdeathsigThread.run(&l.attempt)
	if err == nil {
		l.onReaped = pdeathsigThread.done
	}
	return err
}

// lockedToThread reports whether runtime.LockOSThread is in effect for the goroutine that
// calls it. The runtime tells in the first line of a stack alone.
func lockedToThread() bool {
	var stack [128]byte
	line, _, _ := bytes.Cut(stack[:runtime.Stack(stack[:], false)], []byte("\n"))
	return bytes.Contains(line, []byte("locked to thread"))
}

var pdeathsigThread starterThread

// A starterThread is a thread that starts processes and outlives them. There is none
// while it has no children.
type starterThread struct {
	mu    sync.Mutex // guards everything below
	n     int        // calls of run that done has not been called for
	calls chan func()
}

// run starts c on the thread. If that succeeds, the thread lives on at least until done is
// called, once for each call of run.
func (p *starterThread) run(c *exec.Cmd) error {
	if err := p.room(); err != nil {
		return &os.PathError{Op: "fork/exec", Path: c.Path, Err: err} // as os says of a process
	}
	calls := p.enter()
	var err error
	returned := make(chan struct{})
	calls <- func() {
		defer close(returned)
		err = c.Start()
	}
	<-returned
	if err != nil {
		p.done()
	}
	return err
}

func (p *starterThread) enter() chan<- func() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.n == 0 {
		p.calls = make(chan func())
		go serve(p.calls)
	}
	p.n++
	return p.calls
}

func (p *starterThread) exists() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.n > 0
}

func (p *starterThread) done() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.n--
	if p.n == 0 {
		close(p.calls)
	}
}

// serve is the thread. It is not locked any more when serve returns, or the
// runtime would end it then, which costs it a new one.
func serve(calls <-chan func()) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for f := range calls {
		f()
	}
}

// room fails with EAGAIN if there is no thread yet, nor room for it.
func (p *starterThread) room() error {
	if p.exists() {
		return nil
	}
	return thread.Room()
}

// isStolen reports whether err is that of reaping a process that somebody else has reaped.
func isStolen(err error) bool {
	return errors.Is(err, syscall.ECHILD) || errors.Is(err, os.ErrProcessDone)
}

// unlessStolen returns state and err, which are what reaping p has returned. But if somebody else
// has reaped it and the kernel remembers how it ended, they are what they would have been.
func unlessStolen(p pidfd.Process, state *os.ProcessState, err error) (*os.ProcessState, error) {
	if state != nil || !isStolen(err) {
		return state, err
	}
	stats.stolen.Add(1)
	status, ok := p.Status()
	if !ok || !processStateIsKnown() {
		return nil, err
	}
	state = new(os.ProcessState)
	*(*processState)(unsafe.Pointer(state)) = processState{
		pid:    p.Pid,
		status: syscall.WaitStatus(status),
		rusage: new(syscall.Rusage),
	}
	return state, exitError(state)
}

// A processState is an [os.ProcessState], which only package os can make.
type processState struct {
	pid    int
	status syscall.WaitStatus
	rusage *syscall.Rusage
}

// processStateIsKnown reports whether it still is.
var processStateIsKnown = sync.OnceValue(func() bool {
	ours, theirs := reflect.TypeFor[processState](), reflect.TypeFor[os.ProcessState]()
	if ours.NumField() != theirs.NumField() {
		return false
	}
	for i := range ours.NumField() {
		a, b := ours.Field(i), theirs.Field(i)
		if a.Name != b.Name || a.Type != b.Type || a.Offset != b.Offset {
			return false
		}
	}
	return true
})
