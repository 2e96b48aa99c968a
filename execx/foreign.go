package execx

import (
	"context"
	"io"
	"os"
	"os/exec"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"unsafe"

	"go.execx.dev/internal/pidfd"
	"go.execx.dev/internal/realtime"
)

// This file handles a Cmd whose embedded exec.Cmd the program or another package has started, or
// copied from an exec.CommandContext, or given another Process.

// startedChild returns the child of c, or nil if c was not started. If os/exec has started the
// process, through the embedded Cmd, startedChild creates the child.
func (c *Cmd) startedChild() *child {
	if p := c.child.Load(); p != nil {
		if c.Process != nil && c.Process != p.cmdProcess.Load() {
			p.mu.Lock()
			defer p.unlockAndStop()
			p.followLocked(c)
		}
		return p
	}
	if c.Process == nil {
		return nil
	}
	p := foreignChild(c)
	if p.execWait == nil {
		live.add(p)
	}
	if !c.child.CompareAndSwap(nil, p) { // another goroutine was first
		live.remove(p)
		p.group.Close()
		return c.child.Load()
	}
	if p.execWait == nil {
		runtime.AddCleanup(c, dropChild, p.key)
	} else if p.group != nil { // p refers to c, and becomes unreachable with it
		runtime.AddCleanup(p, (*pidfd.Group).Close, p.group)
	}
	return p
}

// foreignChild returns a new child for a command that os/exec has started. If os/exec has started
// goroutines as well, only its own Wait can end them.
func foreignChild(c *Cmd) *child {
	p := newChild(c, pidfd.Of(c.Process))
	canInterrupt := (c.Cancel != nil || c.WaitDelay != 0) && embeddedContext(&c.Cmd) != nil
	if canInterrupt || !isFile(c.Stdin) || !isFile(c.Stdout) || !isFile(c.Stderr) {
		p.execWait = func() (*os.ProcessState, error) {
			err := c.Cmd.Wait()
			return c.ProcessState, err
		}
	}
	return p
}

func isFile(stream any) bool {
	_, ok := stream.(*os.File)
	return ok || stream == nil
}

// followLocked switches p to the process that the program has assigned to c.Process, if it has.
// Another child, which is given up when c becomes unreachable, takes over the process before.
func (p *child) followLocked(c *Cmd) {
	if c.Process == nil || p.custody != held || p.phase > watched || p.endings > 0 || p.cmdProcess.Swap(c.Process) == c.Process {
		return
	}
	before := &child{origin: p.origin, process: p.process, traced: p.traced}
	p.unwatchLocked()
	p.process, p.started = pidfd.Of(c.Process), realtime.Now()
	p.group.Close()
	p.group = nil
	if c.ProcessGroup {
		p.group = pidfd.NewGroup(p.process)
	}
	p.rewatchLocked()
	live.add(before)
	runtime.AddCleanup(c, dropChild, before.key)
}

// Unexported fields of exec.Cmd. Each is found by its name and type; in a version of Go that does
// not have it, the function returns nil.
var (
	contextOf   = field[context.Context]("ctx") // set by exec.CommandContext
	startCalled = field[int32]("startCalled")
	childFiles  = field[[]io.Closer]("childIOFiles")  // the ends of pipes that the process inherits
	parentPipes = field[[]io.Closer]("parentIOPipes") // the other ends
)

func field[T any](name string) func(c *exec.Cmd) *T {
	offset := sync.OnceValues(func() (uintptr, bool) {
		field, ok := reflect.TypeFor[exec.Cmd]().FieldByName(name)
		return field.Offset, ok && field.Type == reflect.TypeFor[T]()
	})
	return func(c *exec.Cmd) *T {
		if offset, ok := offset(); ok {
			return (*T)(unsafe.Add(unsafe.Pointer(c), offset))
		}
		return nil
	}
}

// embeddedContext returns the context of an [exec.CommandContext] whose Cmd was copied into c. It
// returns nil if there is none, or if it can't be found.
func embeddedContext(c *exec.Cmd) context.Context {
	if ctx := contextOf(c); ctx != nil {
		return *ctx
	}
	return nil
}

// hasDefaultCancel reports whether c.Cancel is the one set by CommandContext of this package or of
// os/exec, which kills the process. If c is a copy, it refers to the original, and would not kill
// the process of c.
func (c *Cmd) hasDefaultCancel() bool {
	if c.cancel != nil {
		return sameFunc(c.Cancel, c.cancel)
	}
	if c.Cancel == nil || positionOf(c.Cancel) != execCancel() {
		return false
	}
	// The original was not started. If the Cmd was, Cancel is for the process of that one.
	original, ok := cancels(c.Cancel)
	return !ok || original.Process == nil
}

// sameFunc reports whether f and g are the same function with the same captured variables: a
// function value is a pointer to those.
func sameFunc(f, g func() error) bool {
	return *(*unsafe.Pointer)(unsafe.Pointer(&f)) == *(*unsafe.Pointer)(unsafe.Pointer(&g))
}

// cancels returns the exec.Cmd whose default Cancel f is, which f captures as its only variable. It
// returns false if the variable is not where it is expected.
func cancels(f func() error) (c *exec.Cmd, ok bool) {
	if !cancelIsKnown() {
		return nil, false
	}
	return (*(**cancelFunc)(unsafe.Pointer(&f))).cmd, true
}

// A cancelFunc is what the default Cancel of os/exec points to.
type cancelFunc struct {
	_   uintptr
	cmd *exec.Cmd
}

var cancelIsKnown = sync.OnceValue(func() bool {
	c := exec.CommandContext(context.Background(), "")
	return (*(**cancelFunc)(unsafe.Pointer(&c.Cancel))).cmd == c
})

// A position is where a function is in the source or, if that is not known, its code. The code does
// not suffice, since there is a copy of it in each function that exec.CommandContext is inlined
// into.
type position struct {
	file string
	line int
	code uintptr
}

func positionOf(f func() error) position {
	code := reflect.ValueOf(f).Pointer()
	file, line := runtime.FuncForPC(code).FileLine(code)
	if !strings.HasSuffix(file, "os/exec/exec.go") { // the program may have been built without positions
		return position{code: code}
	}
	return position{file: file, line: line}
}

var execCancel = sync.OnceValue(func() position {
	return positionOf(exec.CommandContext(context.Background(), "").Cancel)
})
