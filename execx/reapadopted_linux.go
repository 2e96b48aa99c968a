package execx

import (
	"context"

	"go.execx.dev/internal/reaper"
)

// ReapAdopted reaps the children of this program that it did not start, until ctx
// is done, and returns ctx.Err(). It is for a program that runs as PID 1 of a
// container, or as a subreaper (PR_SET_CHILD_SUBREAPER, see prctl(2)): the
// kernel gives the orphans of other processes to it, and they would be zombies for
// ever. It does not make the program a subreaper.
//
// It takes no child from whom it belongs to, be it a [Cmd], an [os.Process]
// or an os/exec.Cmd, waited for or not: these have a pidfd, by which they
// are told from others. While the descriptors of the program can't be listed, because none
// is left for instance, nothing is reaped. A child that is dropped without having been waited for is
// nobody's once the garbage collector has found it, and is reaped. So are
// the children that were left by the image before [syscall.Exec].
//
// A child that is waited for by its number is at risk, such as one started
// by [syscall.ForkExec] or by C code: if it has been a zombie for more than a second, it
// is reaped, and the wait for it fails with ECHILD. Where there are no
// pidfds (before Linux 5.4 and under sandboxes that refuse them), or no /proc that lists
// the descriptors of the program, the same is true of the children of os/exec,
// after ten seconds; those that [Cmd.Start] has started without SysProcAttr.Ptrace are safe there,
// too, also if their context is that of an [exec.CommandContext] that was copied.
//
// An adopted child is therefore a zombie for one to three seconds, unless it is certain that no
// thread of the program has started it: then it is reaped at once. The kernel gives orphans
// to the main thread, so that is certain of all that come after ReapAdopted has got that
// thread for itself. It tries to for a second, and can't if the main thread is busy, or some
// goroutine blocks it in a system call, as os/exec's Wait and os/signal do. A program that has few
// process numbers, as in a container with a limit, makes sure by calling ReapAdopted there:
//
//	func init() { runtime.LockOSThread() } // main is on the main thread
//
//	func main() {
//		go run() // the program
//		execx.ReapAdopted(context.Background())
//	}
//
// What a thread has started is left to the main thread when it ends. A child without a pidfd is
// therefore taken for an orphan, once it has ended, if the thread that has started it came and went
// between two looks, of which there is one every ten seconds at least.
//
// ReapAdopted sleeps until a SIGCHLD arrives, and then looks at the children: at once if there may
// be an orphan among them, and about once a second while any is a zombie, whosever it is. If
// somebody may hold it, this takes about a microsecond per descriptor of the program, and up to a
// tenth of a CPU if orphans keep coming. Where the kernel does not list children
// (CONFIG_PROC_CHILDREN) it looks at all processes instead, and where there is no /proc of this
// program's own PID namespace, at the numbers up to 32,768 and as many others, in turn, which takes
// some ten milliseconds.
//
// If it is called several times at once, the calls share the work; each lasts until its own
// ctx is done.
//
// On other operating systems it fails with an error wrapping
// [errors.ErrUnsupported].
func ReapAdopted(ctx context.Context) error {
	return reaper.Reap(safe(ctx), func() map[int]int {
		own := make(map[int]int)
		for _, info := range Live() {
			own[info.Pid]++
		}
		return own
	})
}
