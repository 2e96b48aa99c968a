package execx

import (
	"log/slog"
	"os"
	"runtime/debug"
	"strings"
	"sync"

	"go.execx.dev/internal/creation"
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

// creationStack returns the stack of the calling goroutine if somebody may want to
// know where a command was created, or "".
func creationStack() string {
	if execwait() == "2" {
		return string(debug.Stack())
	}
	return creation.Stack()
}

// reportLeak reports a command whose Cmd is garbage though nobody has waited for it.
func (p *child) reportLeak() {
	stats.leaked.Add(1)
	if execwait() == "" {
		return
	}
	attrs := []any{"command", strings.Join(p.args, " "), "pid", p.pid}
	if p.stack != "" {
		attrs = append(attrs, "created", p.stack)
	}
	// A handler can be anybody's code: it is called with no lock held.
	go slog.Warn("exec: command was dropped without a call to Wait or Close", attrs...)
}
