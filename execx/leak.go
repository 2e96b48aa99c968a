package execx

import (
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

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

// creationStack returns the stack of the caller's caller, if somebody may want to
// know where a command was created.
func creationStack() *creation.Stack {
	if execwait() == "2" || creation.Recording.Load() {
		return creation.Callers(2)
	}
	return nil
}

// recordReapedLocked tells those who look for what commands have left behind.
func (p *child) recordReapedLocked() {
	if creation.Recording.Load() {
		creation.AddReaped(creation.Command{
			Pid:     p.process.Pid,
			Args:    slices.Clone(p.args),
			Started: p.started,
			Ended:   time.Now(),
			Stack:   p.stack,
		})
	}
}

// reportLeakLocked reports a command that was forgotten though nobody has waited for it.
func (p *child) reportLeakLocked() {
	stats.leaked.Add(1)
	if execwait() == "" {
		return
	}
	attrs := []any{"command", strings.Join(p.args, " "), "pid", p.process.Pid}
	if p.stack != nil {
		attrs = append(attrs, "created", p.stack.String())
	}
	// A handler can be anybody's code: it is called with no lock held.
	go slog.Warn("exec: command was dropped without a call to Wait or Close", attrs...)
}
