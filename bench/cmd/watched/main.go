// Watched measures how long it takes from killing a child to the return of Wait,
// and how much CPU time that takes, while more and more other children are
// waited for. It writes a plot of it for the README:
//
//	go run ./cmd/watched
//
// Usage:
//
//	watched [-n exits] [-rounds rounds] [-o file]
//
// Each number of others is measured by a process of its own, and a process that
// dies of it is the end of a line of the plot. There must be room for more than
// 15,000 processes and descriptors; see ulimit -n and -u.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"go.execx.dev/bench/internal/rig"
)

// sizes are the numbers of others.
var sizes = []int{10, 1000, 2500, 5000, 7500, 9500, 10000, 12500, 15000}

// jobEnv has the job of a measuring process.
const jobEnv = "EXECX_BENCH_WATCHED"

// A job is what one process measures.
type job struct {
	Package  string
	Programs *rig.Programs
	Others   int
	Exits    int
}

// A point is what it has measured, in microseconds.
type point struct {
	Others  int
	Latency float64 // the median
	CPU     float64 // per exit
}

// A line is all points of a package.
type line struct {
	Package string
	Points  []point
	Died    int // of so many others; 0 if it did not
	Cause   string
}

func main() {
	if text := os.Getenv(jobEnv); text != "" {
		if err := measure(text); err != nil {
			fmt.Fprintln(os.Stderr, "watched:", err)
			os.Exit(1)
		}
		return
	}
	exits := flag.Int("n", 200, "kill so many `children` for each point")
	rounds := flag.Int("rounds", 3, "measure each point so many `times`, and take the median")
	output := flag.String("o", "watched.svg", "write the plot to this `file`")
	flag.Parse()
	if err := run(*exits, *rounds, *output); err != nil {
		fmt.Fprintln(os.Stderr, "watched:", err)
		os.Exit(1)
	}
}

// measure does a job.
func measure(text string) error {
	var j job
	if err := json.Unmarshal([]byte(text), &j); err != nil {
		return err
	}
	i := slices.IndexFunc(rig.Packages, func(p rig.Package) bool { return p.Name == j.Package })
	if i < 0 {
		return fmt.Errorf("no package %q", j.Package)
	}
	const batch = 10 // watched at a time, beside the others
	l, err := rig.KillToWait(rig.Packages[i], j.Programs, j.Others, batch, j.Exits)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(point{j.Others, microseconds(l.Percentile(50)), microseconds(l.CPU)})
}

func microseconds(d time.Duration) float64 { return float64(d) / 1e3 }

func run(exits, rounds int, output string) error {
	dir, err := os.MkdirTemp("", "watched")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	programs, err := rig.Build(dir)
	if err != nil {
		return err
	}

	var lines []line
	for _, pkg := range rig.Packages {
		lines = append(lines, line{Package: pkg.Name})
	}
	for _, n := range sizes {
		for i := range lines {
			if err := lines[i].extend(job{lines[i].Package, programs, n, exits}, rounds); err != nil {
				return err
			}
		}
	}
	return os.WriteFile(output, plot(lines), 0o644)
}

// extend adds a point to the line, unless it has ended or ends here.
func (l *line) extend(j job, rounds int) error {
	if l.Died > 0 {
		return nil
	}
	var latencies, cpus []float64
	for range rounds {
		p, err := apart(j)
		if died, ok := errors.AsType[diedError](err); ok {
			l.Died, l.Cause = j.Others, string(died)
			fmt.Fprintf(os.Stderr, "%-6s %6d others: %v\n", j.Package, j.Others, died)
			return nil
		}
		if err != nil {
			return err
		}
		latencies = append(latencies, p.Latency)
		cpus = append(cpus, p.CPU)
	}
	p := point{j.Others, median(latencies), median(cpus)}
	fmt.Fprintf(os.Stderr, "%-6s %6d others: %6.0f µs, %6.0f µs of CPU\n", j.Package, p.Others, p.Latency, p.CPU)
	l.Points = append(l.Points, p)
	return nil
}

// diedError is the first line of what a process wrote as the runtime aborted it.
type diedError string

func (e diedError) Error() string { return string(e) }

// apart has a process of its own do the job.
func apart(j job) (*point, error) {
	text, err := json.Marshal(j)
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := exec.Command(self)
	c.Env = append(os.Environ(), jobEnv+"="+string(text))
	out, err := c.Output()
	if exitErr, ok := errors.AsType[*exec.ExitError](err); ok {
		first, _, _ := strings.Cut(string(exitErr.Stderr), "\n")
		if exitErr.ExitCode() == 2 { // a crash of the runtime
			return nil, diedError(first)
		}
		return nil, fmt.Errorf("%s, %d others: %w: %s", j.Package, j.Others, err, first)
	}
	if err != nil {
		return nil, err
	}
	p := new(point)
	return p, json.Unmarshal(out, p)
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
