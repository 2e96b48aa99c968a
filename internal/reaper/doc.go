// Package reaper reaps the children of this program that it has not started: the
// orphans that the kernel gives to the init process of a PID namespace, and to a
// subreaper (PR_SET_CHILD_SUBREAPER).
//
// An orphan is a child like any other. Whose a zombie is that is found among the children
// is told as follows:
//
//   - It is somebody's if the program has a pidfd of it. An [os.Process] has one, which the
//     kernel makes in the fork itself, so there is no moment at which a child of os/exec has
//     none. It is also somebody's if package execx says so. It is never reaped, nor is
//     any as long as the descriptors can't be listed, for want of one for instance.
//   - It is nobody's if it is a child of the main thread, and the reaper has had that for
//     itself since before it was started: see [mainThread]. It is reaped at once.
//   - Otherwise somebody may be going to wait for it by its number. It is reaped after some
//     time, in which that can happen: a second, or ten where there are no pidfds, so
//     that os, too, waits by number.
package reaper
