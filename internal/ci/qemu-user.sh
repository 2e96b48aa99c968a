#!/usr/bin/env bash
# Tests a build for another processor, which qemu-user emulates: s390x, which is
# big-endian, arm64, arm, ppc64le or riscv64. By hand:
#
#	internal/ci/qemu-user.sh ARCHITECTURE [ARGUMENT OF GO TEST...]
#
# The kernel is that of this machine, except that there is no CLONE_PIDFD, so package os
# has no pidfds. Programs that the tests start, such as the tests themselves, are
# emulated too, by a binfmt_misc that only a user namespace sees.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=internal/ci/debian.sh
. internal/ci/debian.sh

# What the header of an ELF file has at offset 4 (class and byte order) and 16 (type and machine).
case $1 in
arm64) qemu=qemu-aarch64 class='\x02\x01' type='\x02\x00\xb7\x00' ;;
arm) qemu=qemu-arm class='\x01\x01' type='\x02\x00\x28\x00' ;;
ppc64le) qemu=qemu-ppc64le class='\x02\x01' type='\x02\x00\x15\x00' ;;
riscv64) qemu=qemu-riscv64 class='\x02\x01' type='\x02\x00\xf3\x00' ;;
s390x) qemu=qemu-s390x class='\x02\x02' type='\x00\x02\x00\x16' ;;
*) echo "no qemu-user known for $1" >&2 && exit 2 ;;
esac
export GOARCH=$1
shift

install "$qemu" qemu-user
format=":$qemu:M::\x7fELF$class\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00$type::$(command -v "$qemu"):P"

emulated() {
	# shellcheck disable=SC2016 # in the namespace
	unshare --user --map-root-user --mount sh -c '
		mount -t binfmt_misc none /proc/sys/fs/binfmt_misc &&
		printf %s "$0" >/proc/sys/fs/binfmt_misc/register &&
		exec "$@"' "$format" "$@"
}
quiet emulated true || skip 'needs a user namespace with a binfmt_misc of its own (Linux 6.7)'

# There are no subreapers, for which an example cannot ask. With Pdeathsig, it is tried whether a
# thread can be created, by a process that ends before it executes a program: in the emulator it
# hangs if a thread is created or ends when it is forked (as a missing program does with os/exec).
skip='^ExampleReapAdopted$|Pdeathsig|KillOnExit|/Pdeathsig'
[ $# -gt 0 ] || set -- -short -timeout 5m -skip "$skip" ./execx/... ./internal/...
# After a fork, the allocator of GLib may wait forever for a thread that has not been forked.
G_SLICE=always-malloc emulated go test "$@"
