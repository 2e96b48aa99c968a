package main

import (
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// A row describes a row of the table. If it compares impl with base, target is the ratio to aim
// for.
type row struct {
	title      string
	name, unit string
	base, impl string
	target     string
}

var rows = []row{
	{"spawn and wait, 1 worker", "Spawn/workers=1", "spawns/s", "os", "execx", "≥ 1.15"},
	{"spawn and wait, 16 workers", "Spawn/workers=16", "spawns/s", "os", "execx", "≥ 1.2"},
	{"spawn and wait, 256 workers", "Spawn/workers=256", "spawns/s", "os", "execx", "≥ 1.25"},
	{"the same with a live context, 16 workers", "SpawnContext/workers=16", "spawns/s", "os", "execx", "≥ 1.2"},
	{"CPU of the parent per child, 1 worker", "Spawn/workers=1", "parent-CPU-µs/child", "os", "execx", "≤ 0.85"},
	{"CPU of the parent per child, 16 workers", "Spawn/workers=16", "parent-CPU-µs/child", "os", "execx", ""},
	{"CPU of the parent per child, 256 workers", "Spawn/workers=256", "parent-CPU-µs/child", "os", "execx", "≤ 0.8"},
	{"CPU of parent and child, 1 worker", "Spawn/workers=1", "CPU-µs/child", "os", "execx", ""},
	{"CPU of parent and child, 16 workers", "Spawn/workers=16", "CPU-µs/child", "os", "execx", ""},
	{"CPU of parent and child, 256 workers", "Spawn/workers=256", "CPU-µs/child", "os", "execx", ""},
	{"allocations per child, 1 worker", "Spawn/workers=1", "allocs/op", "os", "execx", "≤ 1"},
	{"spawn and wait while processors are busy, 4 workers", "Busy", "spawns/s", "os", "execx", "≥ 0.95"},
	{"… from the return of Start to that of Wait, median", "Busy", "p50-µs", "os", "execx", ""},
	{"… 90th percentile", "Busy", "p90-µs", "os", "execx", "≤ 1.2"},
	{"… 99th percentile", "Busy", "p99-µs", "os", "execx", ""},
	{"… that take a slice of time or more", "Busy", "slow-%", "os", "execx", ""},
	{"Output of echo", "Output", "spawns/s", "os", "execx", "≥ 1.15"},
	{"kill to the return of Wait, nothing else waited for, median", "KillToWait/others=0", "p50-µs", "os", "execx", "≤ 0.8"},
	{"… with 1,000 others, median", "KillToWait/others=1000", "p50-µs", "os", "execx", "≤ 0.5"},
	{"… with 1,000 others, 99th percentile", "KillToWait/others=1000", "p99-µs", "os", "execx", "≤ 0.6"},
	{"CPU of an event loop per exit, 10 children, AfterWait", "Events/children=10", "parent-CPU-µs/exit", "os", "after", ""},
	{"… 2,000 children", "Events/children=2000", "parent-CPU-µs/exit", "os", "after", ""},
	{"memory and kernel stack per waited child", "Waited", "B/child", "os", "execx", "≤ 0.02"},
	{"2,000 exits at once", "Exits/children=2000", "reaped/s", "os", "execx", ""},
	{"… latest tick of another goroutine", "Exits/children=2000", "worst-tick-ms", "os", "execx", ""},
	{"10,000 exits at once", "Exits/children=10000", "reaped/s", "one", "execx", "≥ 8000 /s"},
	{"… latest tick of another goroutine", "Exits/children=10000", "worst-tick-ms", "one", "execx", "< 20 ms"},
	{"spawn and wait, 1 worker, against the limit of Go", "Spawn/workers=1", "spawns/s", "start", "execx", ""},
	{"spawn and wait, 16 workers, against the limit of Go", "Spawn/workers=16", "spawns/s", "start", "execx", ""},
	{"spawn and wait, 256 workers, against the limit of Go", "Spawn/workers=256", "spawns/s", "start", "execx", ""},
	{"CPU of the parent per child, 1 worker, against the limit of Go", "Spawn/workers=1", "parent-CPU-µs/child", "start", "execx", ""},
	{"Output of echo, against its Run", "Output", "spawns/s", "run", "execx", ""},
	{"spawn and wait, 1 worker, against C", "Spawn/workers=1", "spawns/s", "c", "execx", "≥ 0.75"},
	{"spawn and wait, 16 workers, against C", "Spawn/workers=16", "spawns/s", "c", "execx", "≥ 0.92"},
	{"spawn and wait, 256 workers, against C", "Spawn/workers=256", "spawns/s", "c", "execx", "≥ 0.92"},
}

// table writes the table. It leaves out rows that were not measured.
func table(w io.Writer, r results) {
	fmt.Fprintln(w, "| measurement | unit | compared with | other | execx | ratio | aim |")
	fmt.Fprintln(w, "| --- | --- | --- | ---: | ---: | ---: | ---: |")
	names := map[string]string{"os": "os/exec", "c": "C", "start": "os.StartProcess", "run": "os/exec, Run", "one": "one goroutine"}
	for _, row := range rows {
		ours := r[key{row.name, row.impl, row.unit}]
		if len(ours) == 0 {
			continue
		}
		base, ratio := "", ""
		if theirs := r[key{row.name, row.base, row.unit}]; len(theirs) > 0 {
			base = spread(theirs)
			quotients := make([]float64, len(ours))
			for i := range ours {
				quotients[i] = ours[i] / theirs[i]
			}
			ratio = fmt.Sprintf("**%.3g** (%.3g–%.3g)", median(ours)/median(theirs), slices.Min(quotients), slices.Max(quotients))
		}
		fmt.Fprintf(w, "| %s | %s | %s | %s | %s | %s | %s |\n",
			row.title, row.unit, names[row.base], base, spread(ours), ratio, row.target)
	}
}

// spread returns the median, the lowest and the highest value.
func spread(values []float64) string {
	return fmt.Sprintf("%s (%s–%s)", number(median(values)), number(slices.Min(values)), number(slices.Max(values)))
}

// number formats v with three significant digits.
func number(v float64) string {
	if v == 0 {
		return "0"
	}
	digits := 2 - int(math.Floor(math.Log10(math.Abs(v))))
	scale := math.Pow(10, float64(digits))
	return fmt.Sprintf("%.*f", max(digits, 0), math.Round(v*scale)/scale)
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// machine describes the machine on which the rounds were run.
func machine(w io.Writer, rounds int) {
	fmt.Fprintf(w, "%d rounds on %s, %d CPUs; Linux %s; %s.\n\n", rounds, cpu(), runtime.NumCPU(), kernel(), runtime.Version())
}

func cpu() string {
	data, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(data)) {
		if key, value, _ := strings.Cut(line, ":"); strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

// kernel returns the version of the kernel, without the suffix of the distribution.
func kernel() string {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return ""
	}
	version, _, _ := strings.Cut(unix.ByteSliceToString(name.Release[:]), "-")
	return version
}
