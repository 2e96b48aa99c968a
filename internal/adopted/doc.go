// Package adopted reaps the children of this program that it has not started: the
// orphans that the kernel gives to the init process of a PID namespace, and to a
// subreaper (PR_SET_CHILD_SUBREAPER).
//
// An orphan is a child like any other: nothing in the kernel tells it from one that
// the program has forked. What tells is that nobody in the program has anything to
// wait for it with. [os.Process] holds a pidfd, which the kernel makes in the fork
// itself, so there is no moment at which a child of os/exec has none. The
// table of descriptors is therefore the register of the children that are
// somebody's, complete and exact.
//
// It does not know of children that are waited for by number, as all are where there
// are no pidfds. These are given time to be reaped by whom they belong to.
package adopted
