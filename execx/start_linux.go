package execx

import (
	"os/exec"
	"runtime"
	"sync"
)

// startProcess starts the process of c. What it returns is to be called once the
// process is reaped, if not nil.
//
// Pdeathsig is sent when the thread that has started the process ends, see
// prctl(2), and threads of Go end when they like (go.dev/issue/27505). So these
// processes are started from a thread that outlives them.
func startProcess(c *exec.Cmd) (onReaped func(), err error) {
	if c.SysProcAttr == nil || c.SysProcAttr.Pdeathsig == 0 {
		return nil, c.Start()
	}
	if err := theParent.run(c.Start); err != nil {
		theParent.done()
		return nil, err
	}
	return theParent.done, nil
}

var theParent parent

// A parent is a thread that starts processes and outlives them. There is none
// while it has no children.
type parent struct {
	mu    sync.Mutex // guards everything below
	n     int        // calls of run that done has not been called for
	calls chan func()
}

// run calls f on the thread. The thread lives on at least until done is called,
// once for each call of run.
func (p *parent) run(f func() error) (err error) {
	p.mu.Lock()
	if p.n == 0 {
		p.calls = make(chan func())
		go serve(p.calls)
	}
	p.n++
	calls := p.calls
	p.mu.Unlock()

	returned := make(chan struct{})
	calls <- func() {
		defer close(returned)
		err = f()
	}
	<-returned
	return err
}

func (p *parent) done() {
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
