#!/usr/bin/env bash
# Tests on the kernels of Debian's suites, in virtual machines without hardware
# support. By hand:
#
#	internal/ci/vm.sh [SUITE... [-- ARGUMENT OF TEST BINARIES...]]
#
# as in
#
#	internal/ci/vm.sh bookworm-backports -- -test.v -test.run Group
#
# Those of bookworm (6.1) and bullseye (5.10) lack what the kernels of today have:
# PIDFD_SIGNAL_PROCESS_GROUP (6.9), EPOLLHUP of pidfds (6.9) and PIDFD_GET_INFO (6.13).
# Each machine has nothing but an initramfs with the tests and busybox.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=internal/ci/debian.sh
. internal/ci/debian.sh

packages=(internal/procfs internal/orphan internal/pidfd internal/reaper execx)
suites=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do
	suites+=("$1")
	shift
done
[ ${#suites[@]} -gt 0 ] || suites=(bookworm bullseye)
if [ $# -gt 0 ]; then
	shift
else # what the kernel has a say in
	set -- -test.short -test.run 'Group|PID|Stolen|Reap|Adopt|Watch|Exit|Poll|Pinned|Shutdown|Grace'
fi

install qemu-system-x86_64 qemu-system-x86
unpack bookworm busybox-static
busybox=$cache/bookworm/busybox-static/bin/busybox

root=$cache/root
rm -rf "$root"
mkdir -p "$root"/{bin,dev,etc,proc,root,sys,tmp}
cp "$busybox" "$root/bin"
echo 'root:x:0:0:root:/root:/bin/sh' >"$root/etc/passwd"
echo 'root:x:0:' >"$root/etc/group"
for package in "${packages[@]}"; do
	mkdir -p "$root/$package"
	CGO_ENABLED=0 go test -c -ldflags='-s -w' -o "$root/$package/test" "./$package"
	[ ! -e "$package/testdata" ] || cp -r "$package/testdata" "$root/$package"
done
cat >"$root/init" <<END
#!/bin/busybox sh
export PATH=/bin HOME=/root
busybox mount -t proc none /proc
/bin/busybox --install -s /bin # which asks /proc where it is
mount -t sysfs none /sys
mount -t devtmpfs none /dev
mkdir /dev/pts /dev/shm
mount -t devpts none /dev/pts
mount -t tmpfs none /dev/shm
mount -t cgroup2 none /sys/fs/cgroup
ln -s /proc/self/fd /dev/fd
ifconfig lo 127.0.0.1 up
uname -sr
result=passed
for package in ${packages[*]}; do
	cd /\$package
	echo "\$package:"
	setsid ./test ${*@Q} || result=failed
done
echo "vm: \$result"
poweroff -f
END
chmod +x "$root/init"
(cd "$root" && find . | "$busybox" cpio -o -H newc) >"$cache/initrd" 2>/dev/null

failed=0
for suite in "${suites[@]}"; do
	(unpack "$suite" linux-image-cloud-amd64)
	kernel=("$cache/$suite"/linux-image-cloud-amd64/boot/vmlinuz-*)
	[ -e "${kernel[0]}" ] || continue
	timeout --foreground 30m qemu-system-x86_64 -accel tcg -cpu max -smp 2 -m 2048 -nic none \
		-display none -monitor none -serial stdio -no-reboot \
		-kernel "${kernel[0]}" -initrd "$cache/initrd" -append 'console=ttyS0 quiet panic=-1' \
		</dev/null | tr -d '\r' | tee "$cache/console"
	grep -qx 'vm: passed' "$cache/console" || failed=1
done
exit $failed
