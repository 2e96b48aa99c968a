#!/usr/bin/env bash
# Tests a build for Windows in Wine. By hand:
#
#	internal/ci/wine.sh [ARGUMENT OF GO TEST...]
#
# Without arguments, os/exec's own tests are run, too.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=internal/ci/debian.sh
. internal/ci/debian.sh

[ "$(uname -sm)" = 'Linux x86_64' ] || skip 'needs Linux on x86-64'
install wine wine
export WINEPREFIX=$cache/wine WINEARCH=win64 WINEDEBUG=-all WINEDLLOVERRIDES=mscoree,mshtml=
trap 'wineserver -k || :; [ -n "${CI_CACHE:-}" ] || rm -rf "$cache"' EXIT
quiet wine wineboot -i || skip 'Wine does not start'
wineserver -w

# Wine before 9 lacks what Go takes random numbers from.
dll=$WINEPREFIX/drive_c/windows/system32/bcryptprimitives.dll
if [ ! -e "$dll" ]; then
	install x86_64-w64-mingw32-gcc gcc-mingw-w64-x86-64-win32
	cat >"$cache/bcryptprimitives.c" <<-END
		#include <windows.h>
		BOOLEAN NTAPI SystemFunction036(PVOID, ULONG); // RtlGenRandom
		__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T size) {
			return SystemFunction036(data, size);
		}
	END
	quiet x86_64-w64-mingw32-gcc -shared -O2 -o "$dll" "$cache/bcryptprimitives.c" -ladvapi32
fi

# The services of Wine run as long as anything does, with the output of what was first: not that of
# a test, for whose end go test would wait.
exec 9> >(wine cmd >/dev/null 2>&1)

mkdir -p "$cache/bin"
cat >"$cache/bin/go_windows_amd64_exec" <<'END'
#!/bin/sh
exec wine "$@"
END
chmod +x "$cache/bin/go_windows_amd64_exec"
PATH=$cache/bin:$PATH # where the go command looks for it

if [ $# -eq 0 ]; then
	go test -count=1 ./internal/conformance -run '^TestExecTests$' -args -goos windows
	set -- . ./internal/pidfd ./internal/toolhelp ./execx/...
fi
export GOOS=windows GOARCH=amd64
go test -count=1 "$@"
