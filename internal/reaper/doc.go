// Package reaper reaps the children that this process has inherited rather than started. The kernel
// makes orphans the children of the init process of their PID namespace, or of a subreaper
// (PR_SET_CHILD_SUBREAPER).
//
// An adopted child looks like any other child. For each zombie among the children, the reaper
// decides as follows:
//
//   - If the program has a pidfd of it, or package execx reports it as its own, the zombie is never
//     reaped here. An [os.Process] has a pidfd, created by the fork itself, so a child of os/exec
//     is never without one. While the file descriptors of the program can't be listed, for lack of
//     a free descriptor for instance, no child is reaped.
//   - If it is a child of the main thread, and the reaper has had that thread to itself since
//     before the child started, the zombie is an orphan and is reaped at once: see [mainThread].
//   - Otherwise, some code may be about to wait for it by its PID. It is reaped after a grace
//     period: one second, or ten on systems without pidfds, where package os waits by PID, too.
package reaper
