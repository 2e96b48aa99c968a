// Nopidfd runs a command under a seccomp filter that refuses system calls for pidfds,
// all or some, as sandboxes do and older kernels. The tests of this module are to pass
// under it:
//
//	go build -o nopidfd ./internal/nopidfd
//	go test -exec "$PWD/nopidfd enosys" ./...
//
// Its first argument is what the command finds, and the rest is the command:
//
//	enosys  every system call for pidfds is missing, as before Linux 5.4
//	eperm   every one is forbidden, as under a sandbox
//	flags   there are pidfds, but pidfd_send_signal takes no flags and there is no
//	        PIDFD_GET_INFO, as on Linux 5.4 to 6.8
//
// That pidfds of such a kernel raise no EPOLLHUP, as they do since 6.9, is out of
// a filter's reach.
package main
