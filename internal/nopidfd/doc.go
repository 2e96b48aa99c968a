// Nopidfd runs a command under a seccomp filter that refuses every system call for
// pidfds, as sandboxes do and kernels before 5.4. The tests of this module
// are to pass under it:
//
//	go build -o nopidfd ./internal/nopidfd
//	go test -exec "$PWD/nopidfd enosys" ./...
//
// Its first argument is the error that the system calls fail with: enosys, as on a
// kernel without them, or eperm, as under a sandbox. The rest is the command.
package main
