package execx

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"go.execx.dev/internal/creation"
)

// An Info describes a command that was started and has not been reaped.
type Info struct {
	Pid     int
	Args    []string // as in Cmd.Args
	Started time.Time
	State   State
	Waiters int    // calls of Wait and its like that have not returned
	Stack   string // where the command was created, if that was recorded: see package execxtest
}

// A State is what is being done about the end of a process.
type State string

const (
	Running  State = "running"  // and nobody waits for it; it may have ended
	Waited   State = "waited"   // somebody waits for it, or its context has ended it
	Orphaned State = "orphaned" // it was given up, and will be reaped
)

// Live returns a snapshot of the commands that this program has started and not
// reaped, the oldest first. It is meant for debugging and metrics: it can be called
// at any time, blocks nobody, and takes time in proportion to their number.
//
// Commands that os/exec has started are not among them: through the embedded
// exec.Cmd, or because it has put a context there.
func Live() []Info {
	var infos []Info
	live.Range(func(_, value any) bool {
		infos = append(infos, value.(*child).info())
		return true
	})
	slices.SortFunc(infos, func(a, b Info) int {
		return cmp.Or(a.Started.Compare(b.Started), cmp.Compare(a.Pid, b.Pid))
	})
	return infos
}

// live has the children that are not reaped, by process number. A process number is
// another's as soon as it is reaped, before it is taken out here.
var live sync.Map // of *child by int

// An origin is what is remembered of how a child came about. It does not change.
type origin struct {
	pid     int // Process.Release takes it from the process
	args    []string
	started time.Time
	stack   creation.Stack
}

// enlist adds p, which c has just started, to the live ones.
func (p *child) enlist(c *Cmd) {
	p.origin = origin{
		pid:     c.Process.Pid,
		args:    slices.Clone(c.Args),
		started: time.Now(),
		stack:   c.stack,
	}
	live.Store(p.pid, p)
	stats.started.Add(1)
}

// strike takes p from the live ones.
func (p *child) strike() {
	live.CompareAndDelete(p.pid, p)
}

func (p *child) info() Info {
	p.mu.Lock()
	defer p.mu.Unlock()
	state := Running
	switch {
	case p.givenUp:
		state = Orphaned
	case p.phase != unwatched:
		state = Waited
	}
	return Info{
		Pid:     p.pid,
		Args:    slices.Clone(p.args),
		Started: p.started,
		State:   state,
		Waiters: len(p.waiters),
		Stack:   p.stack.String(),
	}
}
