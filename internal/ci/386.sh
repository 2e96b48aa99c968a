#!/usr/bin/env bash
# Tests a 32-bit build on this machine. By hand:
#
#	internal/ci/386.sh [ARGUMENT OF GO TEST...]
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=internal/ci/debian.sh
. internal/ci/debian.sh

[ "$(uname -sm)" = 'Linux x86_64' ] || skip "needs Linux on x86-64"
export GOARCH=386
go build -o "$cache/386" ./examples/init
"$cache/386" -- true </dev/null || skip "the kernel runs no 32-bit programs"

[ $# -gt 0 ] || set -- -short ./...
go test "$@"
