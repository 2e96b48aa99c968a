package execx

import (
	"context"

	"go.execx.dev/internal/reaper"
)

// ReapAdopted reaps adopted children, until ctx is done, and returns ctx.Err(). It is for a program
// that runs as PID 1 of a container or as a subreaper (PR_SET_CHILD_SUBREAPER, see prctl(2)). When
// the parent of a process ends, the kernel makes the process a child of such a program. Unless the
// program reaps it, it remains a zombie when it has ended. ReapAdopted does not make the program a
// subreaper.
//
// If ReapAdopted is called several times at once, the calls share the work; each returns when its
// own ctx is done. On systems other than Linux it returns an error wrapping
// [errors.ErrUnsupported].
//
// # Which children are reaped
//
// With pidfds and /proc, ReapAdopted never reaps a child that belongs to a [Cmd], an [os.Process]
// or an os/exec.Cmd, whether or not the program waits for it: these hold a pidfd for their process.
// While the program's file descriptors can't be listed, for example because none is left to do so,
// nothing is reaped. A child that no reachable Cmd or os.Process refers to any more is reaped, and
// so are children that were started before [syscall.Exec].
//
// Without pidfds (before Linux 5.4, and in sandboxes that refuse the system calls), or without a
// /proc that lists the descriptors of the program, children started by [Cmd.Start] are still safe,
// unless SysProcAttr.Ptrace is set. Those started by os/exec are reaped if they have been zombies
// for ten seconds.
//
// A child that is waited for by its PID, such as one started by [syscall.ForkExec] or by C code, is
// always at risk: it is reaped if it has been a zombie for more than a second, and the wait then
// fails with ECHILD.
//
// # When they are reaped
//
// If ReapAdopted runs alone on the main thread, it reaps an adopted child at once: the kernel makes
// adopted processes children of the main thread, and no other goroutine can have started a child
// there. Otherwise an adopted child remains a zombie for one to three seconds, or ten without
// pidfds, because the program might have started it. ReapAdopted tries for a second to lock its
// goroutine to the main thread, which fails if that thread is busy or blocked in a system call, for
// example in Wait of os/exec. Zombies count against a limit on processes, so in a container that
// has such a limit, call it from main:
//
//	func init() { runtime.LockOSThread() } // main runs on the main thread
//
//	func main() {
//		ctx, cancel := context.WithCancel(context.Background())
//		go func() {
//			defer cancel()
//			run() // the program
//		}()
//		execx.ReapAdopted(ctx) // returns at once on systems other than Linux
//		<-ctx.Done()
//	}
//
// When a thread ends, its children become children of the main thread. So if a thread was created,
// has started a child without a pidfd, and has ended between two checks, at most ten seconds apart,
// the child is mistaken for an adopted one, and reaped when it has ended.
//
// # What it costs
//
// ReapAdopted sleeps until a SIGCHLD arrives, or for ten seconds. It then checks the children: at
// once if one may have been adopted, and about once a second while any child is a zombie. If the
// program may hold a pidfd for one, a check takes about a microsecond per file descriptor of the
// program. All checks together take at most a tenth of a CPU. If the kernel does not list children
// (CONFIG_PROC_CHILDREN), each check scans all processes. If there is no /proc of the program's own
// PID namespace, each check probes the PIDs up to 32,768, and another 32,768 of the higher ones, in
// turn, which takes about ten milliseconds.
func ReapAdopted(ctx context.Context) error {
	return reaper.Reap(safeContext(ctx), func() map[int]int {
		own := make(map[int]int)
		for _, info := range Live() {
			own[info.Pid]++
		}
		return own
	})
}
