// Watched measures the time from killing a child to the return of Wait, and the CPU time spent
// meanwhile, while more and more other children are waited for. It writes the measurements, and a
// plot of them for the README:
//
//	go run ./cmd/watched
//	go run ./cmd/watched -draw    # only draws the plot, from earlier measurements
//
// Usage:
//
//	watched [-n exits] [-rounds rounds] [-data file] [-o file] [-draw]
//
// In every round, a separate process measures each number of others. The plot shows the median of
// the rounds and a band from the lowest to the highest. If a process dies, its line ends there.
// There must be room for more than 15,000 processes and descriptors; see ulimit -n and -u.
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

// sizes are the numbers of other children.
var sizes = []int{10, 1000, 2500, 5000, 7500, 9500, 10000, 12500, 15000}

// jobEnv is the environment variable that holds the job of a measuring process.
const jobEnv = "EXECX_BENCH_WATCHED"

// A job is what one process measures.
type job struct {
	Package  string
	Programs *rig.Programs
	Others   int
	Exits    int
}

// A sample is the result of a job, in microseconds.
type sample struct {
	Latency float64 // the median
	CPU     float64 // per exit
}

// A point holds the samples of all rounds for one number of others.
type point struct {
	Others  int
	Samples []sample
}

// A line holds all points of a package.
type line struct {
	Package string
	Points  []point
	Died    int    `json:",omitempty"` // the number of others at which it died, or 0
	Cause   string `json:",omitempty"`
}

func main() {
	if text := os.Getenv(jobEnv); text != "" {
		exitOn(measure(text))
		return
	}
	exits := flag.Int("n", 200, "kill `exits` children for each point")
	rounds := flag.Int("rounds", 5, "measure each point in that many `rounds`")
	data := flag.String("data", "watched.json", "write the measurements to `file`")
	output := flag.String("o", "watched.svg", "write the plot to `file`")
	draw := flag.Bool("draw", false, "read the measurements instead of making them")
	flag.Parse()
	if !*draw {
		exitOn(run(*exits, *rounds, *data))
	}
	exitOn(drawData(*data, *output))
}

func exitOn(err error) {
	if err != nil {
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
	return json.NewEncoder(os.Stdout).Encode(sample{microseconds(l.Percentile(50)), microseconds(l.CPU)})
}

func microseconds(d time.Duration) float64 { return float64(d) / 1e3 }

// run measures all lines and writes them to the file data.
func run(exits, rounds int, data string) error {
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
		jobs := make([]job, len(lines))
		for i, l := range lines {
			jobs[i] = job{l.Package, programs, n, exits}
		}
		if err := extend(lines, jobs, rounds); err != nil {
			return err
		}
	}
	text, err := json.MarshalIndent(lines, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(data, append(text, '\n'), 0o644)
}

// drawData plots the measurements in the file data.
func drawData(data, output string) error {
	text, err := os.ReadFile(data)
	if err != nil {
		return err
	}
	var lines []line
	if err := json.Unmarshal(text, &lines); err != nil {
		return fmt.Errorf("%s: %w", data, err)
	}
	return os.WriteFile(output, plot(lines), 0o644)
}

// extend adds a point to each line that has not ended and whose process does not die now. The lines
// take turns in each round, so that other load on the machine affects all of them.
func extend(lines []line, jobs []job, rounds int) error {
	points := make([]point, len(lines))
	for range rounds {
		for i := range lines {
			l, j := &lines[i], jobs[i]
			if l.Died > 0 {
				continue
			}
			s, err := runInSubprocess(j)
			if died, ok := errors.AsType[diedError](err); ok {
				l.Died, l.Cause = j.Others, string(died)
				fmt.Fprintf(os.Stderr, "%-6s %6d others: %v\n", j.Package, j.Others, died)
				continue
			}
			if err != nil {
				return err
			}
			fmt.Fprintf(os.Stderr, "%-6s %6d others: %6.0f µs, %6.0f µs of CPU\n", j.Package, j.Others, s.Latency, s.CPU)
			points[i].Samples = append(points[i].Samples, *s)
		}
	}
	for i := range lines {
		if lines[i].Died == 0 {
			points[i].Others = jobs[i].Others
			lines[i].Points = append(lines[i].Points, points[i])
		}
	}
	return nil
}

// diedError is the first line that a process wrote when the runtime aborted it.
type diedError string

func (e diedError) Error() string { return string(e) }

// runInSubprocess runs j in a subprocess.
func runInSubprocess(j job) (*sample, error) {
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
	s := new(sample)
	return s, json.Unmarshal(out, s)
}
