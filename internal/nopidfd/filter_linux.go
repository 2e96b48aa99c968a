package main

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The program of the filter works on struct seccomp_data, which holds the system
// call: its number, the architecture that this is a number of, and the arguments, of
// which the lower half comes first on all these architectures.
const (
	offsetNumber = 0
	offsetArch   = 4
	offsetArg0   = 16
)

var auditArch = map[string]uint32{
	"386":     unix.AUDIT_ARCH_I386,
	"amd64":   unix.AUDIT_ARCH_X86_64,
	"arm":     unix.AUDIT_ARCH_ARM,
	"arm64":   unix.AUDIT_ARCH_AARCH64,
	"riscv64": unix.AUDIT_ARCH_RISCV64,
}

// refuse has the system calls for pidfds fail with errno, in this thread and in
// all that descends from it.
func refuse(errno unix.Errno) error {
	arch, ok := auditArch[runtime.GOARCH]
	if !ok {
		return fmt.Errorf("no filter for %s", runtime.GOARCH)
	}
	filter := program(arch, errno)
	prog := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	// Without it, a filter is a privilege.
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return os.NewSyscallError("prctl", err)
	}
	_, _, e := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, uintptr(unsafe.Pointer(&prog)))
	if e != 0 {
		return os.NewSyscallError("seccomp", e)
	}
	return nil
}

func program(arch uint32, errno unix.Errno) []unix.SockFilter {
	fail := answer(unix.SECCOMP_RET_ERRNO | uint32(errno))
	missing := answer(unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS))
	allow := answer(unix.SECCOMP_RET_ALLOW)
	return slices.Concat(
		[]unix.SockFilter{load(offsetArch)},
		unless(unix.BPF_JEQ, arch, allow), // numbers of another architecture

		[]unix.SockFilter{load(offsetNumber)},
		when(unix.BPF_JEQ, unix.SYS_PIDFD_OPEN, fail),
		when(unix.BPF_JEQ, unix.SYS_PIDFD_SEND_SIGNAL, fail),
		when(unix.BPF_JEQ, unix.SYS_PIDFD_GETFD, fail),
		// The flags of clone3 are out of a filter's reach. It is missing whatever errno
		// is, because that is what makes C libraries start threads by clone.
		when(unix.BPF_JEQ, unix.SYS_CLONE3, missing),
		when(unix.BPF_JEQ, unix.SYS_WAITID, slices.Concat(
			[]unix.SockFilter{load(offsetArg0)},
			when(unix.BPF_JEQ, unix.P_PIDFD, fail),
			allow)),
		when(unix.BPF_JEQ, unix.SYS_CLONE, slices.Concat(
			[]unix.SockFilter{load(offsetArg0)},
			when(unix.BPF_JSET, unix.CLONE_PIDFD, fail),
			allow)),
		allow,
	)
}

// load returns the instruction that loads the word at offset.
func load(offset uint32) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: offset}
}

// answer returns the end of the program.
func answer(action uint32) []unix.SockFilter {
	return []unix.SockFilter{{Code: unix.BPF_RET | unix.BPF_K, K: action}}
}

// when returns then, to be executed if the comparison of the loaded word with k holds.
func when(comparison uint16, k uint32, then []unix.SockFilter) []unix.SockFilter {
	jump := unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_K | comparison, K: k, Jf: uint8(len(then))}
	return append([]unix.SockFilter{jump}, then...)
}

// unless returns then, to be executed if the comparison does not hold.
func unless(comparison uint16, k uint32, then []unix.SockFilter) []unix.SockFilter {
	p := when(comparison, k, then)
	p[0].Jt, p[0].Jf = p[0].Jf, 0
	return p
}
