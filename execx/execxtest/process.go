package execxtest

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"time"
)

// A process is a child of this process.
type process struct {
	pid     int           // 0 if only the existence of the child is known
	ticks   string        // start time as shown by /proc
	started time.Duration // the same as returned by clock, to within precision
	state   state
	name    string // as in /proc, or the base name of the program
	command string // as in /proc, or the arguments
	stack   string // where the command was created, or ""
	adopted bool   // an orphan that this process has inherited
	group   int    // process group ID, or 0
}

type state string

const (
	running state = "running"
	stopped state = "stopped"
	zombie  state = "zombie"
	unknown state = "in an unknown state"
)

// is reports whether p and other are the same process.
func (p process) is(other process) bool {
	return p.identity() == other.identity()
}

// An identity distinguishes a process from others with the same PID.
type identity struct {
	pid   int
	ticks string
}

func (p process) identity() identity { return identity{p.pid, p.ticks} }

// reported holds the processes that have been reported.
var reported struct {
	mu        sync.Mutex
	processes map[identity]bool
}

// unreported returns the processes that it has not returned before.
func unreported(left []process) (fresh []process) {
	reported.mu.Lock()
	defer reported.mu.Unlock()
	for _, p := range left {
		id := p.identity()
		if !reported.processes[id] {
			fresh = append(fresh, p)
		}
		if reported.processes == nil {
			reported.processes = make(map[identity]bool)
		}
		reported.processes[id] = true
	}
	return fresh
}

// report describes the processes, the tests that started them as far as known, and what to do.
func (o options) report(left []process) string {
	var b strings.Builder
	fmt.Fprintf(&b, "execxtest: found child processes left behind: %d", len(left))
	advice := make(map[string]bool)
	for _, p := range left {
		if p.pid == 0 {
			b.WriteString("\n\ta child that can be neither identified nor killed without a /proc of its PID namespace")
			continue
		}
		fmt.Fprintf(&b, "\n\tpid %d, %s%s: %s", p.pid, p.state, p.age(), p.command)
		stack := p.stack
		if p.adopted {
			var by string
			by, stack = leftBy(p)
			b.WriteString("\n\t" + by)
		}
		b.WriteString("\n\t" + startedIn(p.started, stack))
		if stack != "" {
			fmt.Fprintf(&b, "\n\tcreated by:\n\t\t%s", strings.ReplaceAll(trimStack(stack), "\n", "\n\t\t"))
		}
		advice[p.advice()] = true
	}
	for _, line := range []string{adviceRunning, adviceZombie, adviceAdopted} {
		if advice[line] {
			b.WriteString("\n" + line)
		}
	}
	if os.Getpid() == 1 {
		b.WriteString("\nThis process is PID 1, and so it inherits other orphans, too.")
	}
	if o.kill && len(advice) > 0 {
		b.WriteString("\nThe processes found are killed now.")
	}
	return b.String()
}

const (
	adviceRunning = "Wait for a command before its test ends, or defer a Shutdown: execxtest.Command does that."
	adviceZombie  = "A zombie has ended, but was not waited for: call Wait."
	adviceAdopted = "If ProcessGroup is set, Shutdown and Kill also end what a command leaves behind: execxtest.Command does both."
)

func (p process) advice() string {
	switch {
	case p.adopted:
		return adviceAdopted
	case p.state == zombie:
		return adviceZombie
	default:
		return adviceRunning
	}
}

func (p process) age() string {
	if p.started == unknownTime {
		return ""
	}
	return fmt.Sprintf(", %v old", max(0, clock()-p.started).Round(precision))
}

// unknownTime is the start time of a process for which it is not known.
const unknownTime = -1

// precision is the precision of start times.
const precision = 10 * time.Millisecond
