#!/usr/bin/env bash
# Tests in gVisor, a kernel in user space that has no pidfds. By hand:
#
#	internal/ci/gvisor.sh [ARGUMENT OF TEST BINARIES...]
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=internal/ci/debian.sh
. internal/ci/debian.sh

unpack bookworm-backports runsc
# What needs many processes needs minutes.
[ $# -gt 0 ] || set -- -test.short -test.skip 'Many|SlowReader'
inside() {
	local rootless=
	[ "$(id -u)" = 0 ] || rootless=-rootless
	"$cache/bookworm-backports/runsc/usr/bin/runsc" $rootless --platform=systrap --network=none \
		--ignore-cgroups --overlay2=none "do" -cwd "$PWD" "$@" |
		cat # it writes to a file where that was when it was started
}
quiet inside true || skip 'runsc starts no sandbox'
for package in internal/pidfd internal/orphan execx; do
	go test -c -o "$cache/gvisor.test" "./$package"
	(cd "$package" && inside "$cache/gvisor.test" "$@")
done
