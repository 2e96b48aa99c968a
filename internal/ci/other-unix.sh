#!/usr/bin/env bash
# Tests on Linux what is built for other Unix systems: in a copy of the module without the files for
# Linux, whose build constraints have "linux" and "!linux" exchanged. By hand:
#
#	internal/ci/other-unix.sh [ARGUMENT OF GO TEST...]
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=internal/ci/debian.sh
. internal/ci/debian.sh

[ "$(uname -s)" = Linux ] || skip 'needs Linux'
work=$(mktemp -d -p "$cache")
go build -o "$work/nopidfd" ./internal/nopidfd # other systems have no pidfds
mkdir "$work/copy"
cp -R go.mod go.sum ./*.go execx internal "$work/copy"
cd "$work/copy"
packages=(. execx execx/execxtest internal/pidfd internal/proctest)
for package in "${packages[@]}"; do
	rm -f "$package"/*_linux.go "$package"/*_linux_test.go
	sed -i -E '/^\/\/go:build/ { s/(^|[^!])\blinux\b/\1nolinux/g; s/!linux/linux/g }' "$package"/*.go
done
sed -i 's/runtime.GOOS == "linux"/false/' internal/proctest/proctest.go

[ $# -gt 0 ] || set -- . ./execx ./internal/pidfd
go test -count=1 -exec "$work/nopidfd enosys" "$@"
