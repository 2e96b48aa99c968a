package execx

import (
	"context"

	"go.execx.dev/internal/reaper"
)

// ReapAdopted reaps the children of this program that it did not start, until ctx is done, and
// returns ctx.Err(). It is for a program that runs as PID 1 of a container or as a subreaper
// (PR_SET_CHILD_SUBREAPER, see prctl(2)): the kernel makes the orphans of other processes its
// children, which would remain zombies otherwise. It does not make the program a subreaper.
//
// If ReapAdopted is called several times at once, the calls share the work; each returns when its
// own ctx is done. On systems other than Linux it returns an error wrapping
// [errors.ErrUnsupported].
//
// # Which children are reaped
//
// ReapAdopted never reaps a child that belongs to a [Cmd], an [os.Process] or an os/exec.Cmd, no
// matter whether the program waits for it: these hold a pidfd of their process. While the program's
// file descriptors can't be listed, for example because none is left to do so, nothing is reaped. A
// child whose Cmd or os.Process became unreachable is reaped, and so are children that were started
// before [syscall.Exec].
//
// A child that is waited for by its PID is at risk, such as one started by [syscall.ForkExec] or by
// C code: if it has been a zombie for more than a second it is reaped, and the wait fails with
// ECHILD. Where there are no pidfds (before Linux 5.4, and in sandboxes that refuse the system
// calls), or no /proc that lists the descriptors of the program, the same is true of the children
// of os/exec, after ten seconds. Children started by [Cmd.Start] are safe even there, unless
// SysProcAttr.Ptrace is set.
//
// # When they are reaped
//
// An adopted child remains a zombie for one to three seconds, unless it is certain that no thread
// of the program has started it; then it is reaped at once. Since the kernel makes orphans the
// children of the main thread, that is certain of the children of the main thread if no goroutine
// but that of ReapAdopted has run there since they were started. ReapAdopted tries for a second to
// get the main thread for itself. The attempt fails if the main thread is busy or blocked in a
// system call, as by os/exec's Wait or by os/signal. A program with a limit on processes, as in a
// container, should therefore call it from main:
//
//	func init() { runtime.LockOSThread() } // main runs on the main thread
//
//	func main() {
//		go run() // the program
//		execx.ReapAdopted(context.Background())
//	}
//
// When a thread ends, its children become those of the main thread. So a child without a pidfd is
// mistaken for an orphan when it has ended, if the thread that has started it was created and has
// ended between two checks, at most ten seconds apart.
//
// # What it costs
//
// ReapAdopted sleeps until a SIGCHLD arrives. It then checks the children: at once if there may be
// an orphan, and about once a second while any child is a zombie. If the program may hold a pidfd
// of one, a check takes about a microsecond per file descriptor of the program. If orphans keep
// coming, the checks take up to a tenth of a CPU. If the kernel does not list children
// (CONFIG_PROC_CHILDREN), all processes are checked. If there is no /proc of the program's own PID
// namespace, the PIDs up to 32,768 and as many others in turn are probed, which takes about ten
// milliseconds.
func ReapAdopted(ctx context.Context) error {
	return reaper.Reap(safeContext(ctx), func() map[int]int {
		own := make(map[int]int)
		for _, info := range Live() {
			own[info.Pid]++
		}
		return own
	})
}
