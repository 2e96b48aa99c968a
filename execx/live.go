package execx

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"go.execx.dev/internal/creation"
	"go.execx.dev/internal/table"
)

// A CmdInfo describes a command that was started and not yet reaped. If it was started through the
// embedded exec.Cmd, Started is the time of the first call to a method of this package.
type CmdInfo struct {
	Pid     int
	Args    []string  // Cmd.Args
	Started time.Time // when Start returned
	State   CmdState
	Waiters int    // number of pending waits: blocked calls, channels and functions
	Stack   string // of the call to Command, if it was recorded: with execxtest or GODEBUG=execwait=2
}

// A CmdState says whether a command is being waited for.
type CmdState string

const (
	StateRunning  CmdState = "running"  // it is not being waited for, and may have ended
	StateWaited   CmdState = "waited"   // it is being waited for
	StateOrphaned CmdState = "orphaned" // it was given up, and will be reaped when it has ended
)

// Live returns the commands that were started and not yet reaped, the oldest first. It is meant for
// debugging and metrics. It is safe for concurrent use, does not block other calls, and takes time
// in proportion to the number of commands.
//
// A command that was started through the embedded exec.Cmd is included once a method of this
// package was called for it, unless os/exec copies its streams or handles its context or WaitDelay.
func Live() []CmdInfo {
	var infos []CmdInfo
	for _, p := range live.all() {
		if info, unreaped := p.info(); unreaped {
			infos = append(infos, info)
		}
	}
	slices.SortFunc(infos, func(a, b CmdInfo) int {
		return cmp.Or(a.Started.Compare(b.Started), cmp.Compare(a.Pid, b.Pid))
	})
	return infos
}

// live holds the children that are not reaped, or whose group may still be signaled. The cleanups
// of the garbage collector find a child there by its key: a cleanup must not refer to its own
// object, and a child may refer to its Cmd.
var live registry

type registry struct {
	mu       sync.Mutex // guards everything below
	children table.Table[*child]
}

// add adds p, which no other goroutine refers to yet.
func (r *registry) add(p *child) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p.key = r.children.Add(p)
}

// remove removes p, if it was added.
func (r *registry) remove(p *child) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.children.Remove(p.key)
}

// get returns the child with the key, or nil if it was removed.
func (r *registry) get(key uint64) *child {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.children.Get(key)
}

func (r *registry) all() []*child {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Collect(r.children.All())
}

// An origin says how a child was started.
type origin struct {
	args    []string
	started time.Time // if os/exec has started it, of the first call to a method of this package
	stack   *creation.Stack
}

// info returns the CmdInfo of p, and false if it was reaped.
func (p *child) info() (CmdInfo, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	state := StateRunning
	switch {
	case p.givenUpLocked():
		state = StateOrphaned
	case p.waiting > 0 || p.phase == blocked:
		state = StateWaited
	}
	return CmdInfo{
		Pid:     p.process.Pid,
		Args:    slices.Clone(p.args),
		Started: p.started,
		State:   state,
		Waiters: p.waiting,
		Stack:   p.stack.String(),
	}, p.phase < reaped
}
