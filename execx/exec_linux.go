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
// Pdeathsig is sent when the thread that has started the process ends (see prctl(2)), and the
// runtime may end threads at any time (go.dev/issue/27505). So a process with Pdeathsig is started
// from a thread that outlives it. If the goroutine is locked to its thread, it is started from that
// one, which may have other credentials than the rest of the program, and is the tracer of what it
// starts with Ptrace.
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

// lockedToThread reports whether the calling goroutine is locked to its thread, which the runtime
// only shows in the first line of a stack trace.
func lockedToThread() bool {
	var stack [128]byte
	line, _, _ := bytes.Cut(stack[:runtime.Stack(stack[:], false)], []byte("\n"))
	return bytes.Contains(line, []byte("locked to thread"))
}

var pdeathsigThread starterThread

// A starterThread is a thread that starts processes and outlives them. The thread only exists while
// it has children.
type starterThread struct {
	mu    sync.Mutex // guards everything below
	n     int        // number of successful calls of run for which done was not called
	calls chan func()
}

// run starts c on the thread. If it succeeds, the thread exists until done is called, once for each
// call of run.
func (p *starterThread) run(c *exec.Cmd) error {
	if err := p.checkRoom(); err != nil {
		return &os.PathError{Op: "fork/exec", Path: c.Path, Err: err} // as package os returns
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

// serve runs the functions on its thread. It unlocks the thread at the end, since the runtime would
// otherwise end the thread, and create another one.
func serve(calls <-chan func()) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for f := range calls {
		f()
	}
}

// checkRoom returns EAGAIN if the thread does not exist and can't be created.
func (p *starterThread) checkRoom() error {
	if p.exists() {
		return nil
	}
	return thread.CheckAvailable()
}

// isStolen reports whether err is that of reaping a process that another part of the program has
// reaped.
func isStolen(err error) bool {
	return errors.Is(err, syscall.ECHILD) || errors.Is(err, os.ErrProcessDone)
}

// unlessStolen returns state and err, the results of reaping p. If another part of the program has
// reaped it and the kernel still has its exit status, it returns what they would have been
// otherwise.
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

// A processState has the layout of [os.ProcessState].
type processState struct {
	pid    int
	status syscall.WaitStatus
	rusage *syscall.Rusage
}

// processStateIsKnown reports whether that is still true.
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
