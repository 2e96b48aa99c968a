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
	"time"
	"unsafe"

	"go.execx.dev/internal/pidfd"
)

// What the program, or another package, has done with the embedded exec.Cmd: started
// it, replaced its Process, or copied one there that has a context.

// startedChild returns the child of c, or nil if c was not started. A process
// that os/exec started, through the embedded Cmd, becomes a child here.
func (c *Cmd) startedChild() *child {
	if p := c.child.Load(); p != nil {
		if c.Process != nil && c.Process != p.theirs.Load() {
			p.follow(c)
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
	} else if p.group != nil { // p refers to c, and goes with it
		runtime.AddCleanup(p, (*pidfd.Group).Close, p.group)
	}
	return p
}

// foreignChild returns the child of a command that os/exec started. If it has
// started goroutines, too, only its own Wait can end them.
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

// follow has p wait for the process that the program has put into c.Process. The one
// before is left to whoever may still have it, and reaped once c is garbage, too.
func (p *child) follow(c *Cmd) {
	p.mu.Lock()
	if p.custody != held || p.phase > watched || p.endings > 0 || p.theirs.Swap(c.Process) == c.Process {
		p.mu.Unlock()
		return
	}
	before := &child{origin: p.origin, process: p.process, traced: p.traced}
	p.unwatchLocked() // the one before
	p.process, p.started = pidfd.Of(c.Process), time.Now()
	p.group.Close()
	p.group = nil
	if c.ProcessGroup {
		p.group = pidfd.NewGroup(p.process)
	}
	p.rewatchLocked()
	p.unlockAndStop()
	live.add(before)
	runtime.AddCleanup(c, dropChild, before.key)
}

// Fields of exec.Cmd that only os/exec can name. Each is found by its name and type, and nil
// in a Go that does not have it.
var (
	contextOf   = field[context.Context]("ctx") // of exec.CommandContext
	startCalled = field[int32]("startCalled")
	childFiles  = field[[]io.Closer]("childIOFiles")  // the ends of pipes that the process gets
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

// embeddedContext returns the context that c was made with if it was not made by
// CommandContext: that of an [exec.CommandContext] whose Cmd was copied into c. If it
// can't be found, the context is nil.
func embeddedContext(c *exec.Cmd) context.Context {
	if ctx := contextOf(c); ctx != nil {
		return *ctx
	}
	return nil
}

// hasDefaultCancel reports whether c.Cancel is what CommandContext has set, in this
// package or in os/exec: it kills the process.
//
// It is that of another Cmd if c is a copy, and would not reach c's process.
func (c *Cmd) hasDefaultCancel() bool {
	if c.cancel != nil {
		return sameFunc(c.Cancel, c.cancel)
	}
	if c.Cancel == nil || positionOf(c.Cancel) != execCancel() {
		return false
	}
	// What c was copied from was not started. Anything else has a process of its own.
	original, ok := cancels(c.Cancel)
	return !ok || original.Process == nil
}

// sameFunc reports whether f and g are the same function, with the same variables: a
// function value is a pointer to those.
func sameFunc(f, g func() error) bool {
	return *(*unsafe.Pointer)(unsafe.Pointer(&f)) == *(*unsafe.Pointer)(unsafe.Pointer(&g))
}

// cancels returns the exec.Cmd whose default Cancel f is. It is the only variable of that,
// which is looked into here, if it is found where it is expected.
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

// A position is where a function begins in the source, or else in the code. By its code
// alone it could not be told, of which a caller that exec.CommandContext is
// inlined into has a copy.
type position struct {
	file string
	line int
	code uintptr
}

func positionOf(f func() error) position {
	code := reflect.ValueOf(f).Pointer()
	file, line := runtime.FuncForPC(code).FileLine(code)
	if !strings.HasSuffix(file, "os/exec/exec.go") { // or the program was built without positions
		return position{code: code}
	}
	return position{file: file, line: line}
}

var execCancel = sync.OnceValue(func() position {
	return positionOf(exec.CommandContext(context.Background(), "").Cancel)
})
