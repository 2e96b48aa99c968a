package execx

import (
	"log/slog"
	"os"
	"runtime/debug"
	"strings"
	"sync"
)

// execwait returns the setting of that name in GODEBUG. For os/exec it means: panic
// if a started Cmd is garbage that was not waited for, and if it is 2, say where
// it was made. Here there is nothing lost that would warrant a panic.
var execwait = sync.OnceValue(func() string {
	value := ""
	for setting := range strings.SplitSeq(os.Getenv("GODEBUG"), ",") {
		if v, ok := strings.CutPrefix(setting, "execwait="); ok {
			value = v
		}
	}
	return value
})

// A leak is what will be said of a Cmd if it turns out to be one that was
// forgotten.
type leak struct {
	command string
	stack   string // of the call that made it
}

// newLeak returns nil if GODEBUG does not ask for reports.
func newLeak() *leak {
	switch execwait() {
	case "":
		return nil
	case "2":
		return &leak{stack: string(debug.Stack())}
	default:
		return new(leak)
	}
}

// report reports a Cmd that is garbage though nobody has waited for its process.
func (l *leak) report(pid int) {
	if l == nil {
		return
	}
	args := []any{"command", l.command, "pid", pid}
	if l.stack != "" {
		args = append(args, "created", l.stack)
	}
	// A handler can be anybody's code: it is called with no lock held.
	go slog.Warn("exec: command was dropped without a call to Wait or Close", args...)
}
