// Nopidfd runs a command under a seccomp filter that refuses some or all system calls for pidfds,
// like sandboxes and older kernels. The tests of this module must pass under it:
//
//	go build -o nopidfd ./internal/nopidfd
//	go test -exec "$PWD/nopidfd enosys" ./...
//
// The first argument selects the filter. The command follows:
//
//	enosys  all system calls for pidfds are missing, as before Linux 5.4
//	eperm   all of them are forbidden, as in a sandbox
//	flags   there are pidfds, but pidfd_send_signal supports no flags and there is no
//	        PIDFD_GET_INFO, as on Linux 5.4 to 6.8
//
// On such kernels, pidfds raise no EPOLLHUP, as they do since Linux 6.9. A filter can't imitate
// that.
package main
