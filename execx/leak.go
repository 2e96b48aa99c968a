package execx

import (
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"

	"go.execx.dev/internal/creation"
	"go.execx.dev/internal/realtime"
)

// execwait returns the value of the setting execwait in GODEBUG. If it is set, os/exec panics if a
// started Cmd becomes unreachable without Wait; if it is 2, the panic says where the Cmd was
// created. This package loses nothing in that case, so it only logs.
var execwait = sync.OnceValue(func() string {
	value := ""
	for setting := range strings.SplitSeq(os.Getenv("GODEBUG"), ",") {
		if v, ok := strings.CutPrefix(setting, "execwait="); ok {
			value = v
		}
	}
	return value
})

// creationStack returns the stack of the caller's caller, if it may be needed to say where a
// command was created.
func creationStack() *creation.Stack {
	if execwait() == "2" || creation.Recording.Load() {
		return creation.Callers(2)
	}
	return nil
}

// recordReapedLocked records the command for package execxtest.
func (p *child) recordReapedLocked() {
	if creation.Recording.Load() {
		creation.AddReaped(creation.Command{
			Pid:     p.process.Pid,
			Args:    slices.Clone(p.args),
			Started: p.started,
			Ended:   realtime.Now(),
			Stack:   p.stack,
		})
	}
}

// reportLeakLocked logs that the Cmd and the Process of p became unreachable before it was waited
// for.
func (p *child) reportLeakLocked() {
	stats.leaked.Add(1)
	if execwait() == "" {
		return
	}
	attrs := []any{"command", strings.Join(p.args, " "), "pid", p.process.Pid}
	if p.stack != nil {
		attrs = append(attrs, "created", p.stack.String())
	}
	// The handler of the log can be anybody's code, and is called without the lock.
	go slog.Warn("exec: command was dropped without a call to Wait or Close", attrs...)
}
