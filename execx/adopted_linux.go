package execx

import (
	"context"

	"go.execx.dev/internal/adopted"
)

// ReapAdopted reaps the children of this program that it did not start, until ctx
// is done, and returns ctx.Err(). It is for a program that runs as PID 1 of a
// container, or as a subreaper (PR_SET_CHILD_SUBREAPER, see prctl(2)): the
// kernel gives the orphans of other processes to it, and they would be zombies for
// ever. It does not make the program a subreaper.
//
// It takes no child from whom it belongs to, be it a [Cmd], an [os.Process]
// or an os/exec.Cmd, waited for or not: these have a pidfd, by which they
// are told from others. One that is dropped without having been waited for is
// nobody's once the garbage collector has found it, and is reaped. So are
// the children that were left by the image before [syscall.Exec].
//
// A child that is waited for by its number is at risk, such as one started
// by [syscall.ForkExec] or by C code: if it has been a zombie for more than a second, it
// is reaped, and the wait for it fails with ECHILD. Where there are no
// pidfds (before Linux 5.4 and under sandboxes that refuse them), or no /proc of this
// program's own PID namespace, the same is true of the children of os/exec,
// after ten seconds; those of a [Cmd] are safe there, too, if [Cmd.Start] started them
// without SysProcAttr.Ptrace.
//
// An adopted child is therefore a zombie for one to three seconds. ReapAdopted
// sleeps until a SIGCHLD arrives, and then looks at the children about once a
// second while any is a zombie, whosever it is. If it is called several times at
// once, the calls share the work; each lasts until its own ctx is done.
//
// On other operating systems it fails with an error wrapping
// [errors.ErrUnsupported].
func ReapAdopted(ctx context.Context) error {
	return adopted.Reap(safe(ctx), func() map[int]int {
		own := make(map[int]int)
		for _, info := range Live() {
			own[info.Pid]++
		}
		return own
	})
}
