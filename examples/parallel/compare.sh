#!/usr/bin/env bash
# Compares parallel with xargs and GNU parallel: the checksums of 1,500 files, by 8 commands at
# once. Each runs RUNS times (5), by turns; the best of each figure counts.
#
#	./compare.sh
#
# Needs Go, xargs, GNU parallel and GNU time: apt-get install parallel time
set -euo pipefail
cd "$(dirname "$0")"

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
go build -o "$dir/parallel" .
gnu=$(type -P parallel)
time=$(type -P time)
mkdir "$dir/files"
for i in {1..1500}; do
	head -c 4096 /dev/urandom >"$dir/files/$i"
done
cd "$dir"
find files -type f -print0 >list
declare -A commands=(
	[parallel]="./parallel -0 -j 8 sha256sum"
	[xargs]="xargs -0 -P 8 -n 1 sha256sum"
	[GNU]="$gnu --will-cite -0 -j 8 sha256sum"
)

for ((run = 0; run < ${RUNS:-5}; run++)); do
	for name in parallel xargs GNU; do
		"$time" -a -o "$name.time" -f '%e %U %S %M' ${commands[$name]} <list >"$name.out" 2>"$name.err"
		[ "$(sort "$name.out" | sha256sum)" = "$(sort parallel.out | sha256sum)" ]
	done
done
echo '| | wall time | CPU time | peak memory |'
echo '| --- | --- | --- | --- |'
for name in parallel xargs GNU; do
	awk -v name="$name" '
		function least(a, b) { return NR == 1 || b < a ? b : a }
		{ wall = least(wall, $1); cpu = least(cpu, $2 + $3); memory = least(memory, $4) }
		END { printf "| %s | %.1f s | %.1f s | %.1f MiB |\n", name, wall, cpu, memory / 1024 }
	' "$name.time"
done
