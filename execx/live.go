package execx

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"go.execx.dev/internal/creation"
	"go.execx.dev/internal/table"
)

// An CmdInfo describes a command that was started and has not been reaped.
type CmdInfo struct {
	Pid     int
	Args    []string // as in Cmd.Args
	Started time.Time
	State   CmdState
	Waiters int    // calls of Wait and its like that have not returned
	Stack   string // where the command was created, if that was recorded: see package execxtest
}

// A CmdState is what is being done about the end of a process.
type CmdState string

const (
	StateRunning  CmdState = "running"  // and nobody waits for it; it may have ended
	StateWaited   CmdState = "waited"   // somebody waits for it
	StateOrphaned CmdState = "orphaned" // it was given up, and will be reaped
)

// Live returns a snapshot of the commands that this program has started and not
// reaped, the oldest first. It is meant for debugging and metrics: it can be called
// at any time, blocks nobody, and takes time in proportion to their number.
//
// A command that os/exec has started, through the embedded exec.Cmd, is among them from
// when one of the methods of this package is called for it, except if os/exec copies
// for it, or looks after its context or WaitDelay.
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

// live has the children that may be reaped yet, or whose group may be signalled yet. It
// holds them, so that the cleanups of the garbage collector find them by their keys: a
// cleanup must not refer to what it is for, and a child may.
var live registry

type registry struct {
	mu       sync.Mutex // guards everything below
	children table.Table[*child]
}

// add adds p, which nobody else knows of yet.
func (r *registry) add(p *child) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p.key = r.children.Add(p)
}

// remove removes p if it was added.
func (r *registry) remove(p *child) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.children.Remove(p.key)
}

// get returns the child of that key, or nil if it was removed.
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

// An origin is what is remembered of how a child came about.
type origin struct {
	args    []string
	started time.Time // or first asked about, if os/exec has started it
	stack   *creation.Stack
}

// info returns what is to be said of p, or false if it has been reaped.
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
