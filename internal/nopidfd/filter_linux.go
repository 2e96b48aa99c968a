package main

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The filter program reads struct seccomp_data, which holds the number of the system call, the
// architecture to which the number belongs, and the arguments. On all architectures in auditArch,
// the low half of an argument comes first.
const (
	offsetNumber = 0
	offsetArch   = 4
	offsetArgs   = 16
	sizeofArg    = 8
)

var auditArch = map[string]uint32{
	"386":     unix.AUDIT_ARCH_I386,
	"amd64":   unix.AUDIT_ARCH_X86_64,
	"arm":     unix.AUDIT_ARCH_ARM,
	"arm64":   unix.AUDIT_ARCH_AARCH64,
	"riscv64": unix.AUDIT_ARCH_RISCV64,
}

// modes holds the filters, by the first argument of the program.
var modes = map[string][]unix.SockFilter{
	"enosys": noPidfds(unix.ENOSYS),
	"eperm":  noPidfds(unix.EPERM),
	"flags":  noFlags(),
}

// refuse installs a filter made from rules for this thread and all its descendants.
func refuse(rules []unix.SockFilter) error {
	arch, ok := auditArch[runtime.GOARCH]
	if !ok {
		return fmt.Errorf("no filter for %s", runtime.GOARCH)
	}
	filter := program(arch, rules)
	prog := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	// Without this, installing a filter needs a privilege.
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return os.NewSyscallError("prctl", err)
	}
	_, _, e := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, uintptr(unsafe.Pointer(&prog)))
	if e != 0 {
		return os.NewSyscallError("seccomp", e)
	}
	return nil
}

// program returns the complete filter. It allows the system calls that rules does not decide about.
func program(arch uint32, rules []unix.SockFilter) []unix.SockFilter {
	return slices.Concat(
		[]unix.SockFilter{load(offsetArch)},
		unless(unix.BPF_JEQ, arch, allow()), // the numbers belong to another architecture

		[]unix.SockFilter{load(offsetNumber)},
		rules,
		allow(),
	)
}

// noPidfds returns rules that make all system calls for pidfds fail with errno. They expect the
// number of the system call to be loaded.
func noPidfds(errno unix.Errno) []unix.SockFilter {
	return slices.Concat(
		when(unix.BPF_JEQ, unix.SYS_PIDFD_OPEN, fail(errno)),
		when(unix.BPF_JEQ, unix.SYS_PIDFD_SEND_SIGNAL, fail(errno)),
		when(unix.BPF_JEQ, unix.SYS_PIDFD_GETFD, fail(errno)),
		// A filter can't inspect the flags of clone3. It always fails with ENOSYS, which makes C
		// libraries start threads with clone.
		when(unix.BPF_JEQ, unix.SYS_CLONE3, fail(unix.ENOSYS)),
		when(unix.BPF_JEQ, unix.SYS_WAITID, slices.Concat(
			[]unix.SockFilter{loadArg(0)},
			when(unix.BPF_JEQ, unix.P_PIDFD, fail(errno)),
			allow())),
		when(unix.BPF_JEQ, unix.SYS_CLONE, slices.Concat(
			[]unix.SockFilter{loadArg(0)},
			when(unix.BPF_JSET, unix.CLONE_PIDFD, fail(errno)),
			allow())),
	)
}

// noFlags returns rules that make pidfd_send_signal support no flags, and PIDFD_GET_INFO fail. They
// expect the number of the system call to be loaded.
func noFlags() []unix.SockFilter {
	return slices.Concat(
		when(unix.BPF_JEQ, unix.SYS_PIDFD_SEND_SIGNAL, slices.Concat(
			[]unix.SockFilter{loadArg(3)},
			unless(unix.BPF_JEQ, 0, fail(unix.EINVAL)),
			allow())),
		when(unix.BPF_JEQ, unix.SYS_IOCTL, slices.Concat(
			[]unix.SockFilter{loadArg(1)},
			when(unix.BPF_JEQ, unix.PIDFD_GET_INFO, fail(unix.ENOTTY)),
			allow())),
	)
}

// load returns an instruction that loads the word at the given offset.
func load(offset uint32) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: offset}
}

// loadArg returns an instruction that loads the low half of an argument.
func loadArg(i uint32) unix.SockFilter { return load(offsetArgs + sizeofArg*i) }

func allow() []unix.SockFilter { return answer(unix.SECCOMP_RET_ALLOW) }

func fail(errno unix.Errno) []unix.SockFilter { return answer(unix.SECCOMP_RET_ERRNO | uint32(errno)) }

// answer returns instructions that end the program.
func answer(action uint32) []unix.SockFilter {
	return []unix.SockFilter{{Code: unix.BPF_RET | unix.BPF_K, K: action}}
}

// when returns then, preceded by a jump that skips it unless the comparison of the loaded word with
// k holds.
func when(comparison uint16, k uint32, then []unix.SockFilter) []unix.SockFilter {
	jump := unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_K | comparison, K: k, Jf: uint8(len(then))}
	return append([]unix.SockFilter{jump}, then...)
}

// unless returns then, preceded by a jump that skips it if the comparison holds.
func unless(comparison uint16, k uint32, then []unix.SockFilter) []unix.SockFilter {
	p := when(comparison, k, then)
	p[0].Jt, p[0].Jf = p[0].Jf, 0
	return p
}
