package main

import (
	"bytes"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
)

// A benchmark is a benchmark of package bench. The name omits the prefix Benchmark.
type benchmark struct {
	name            string
	implementations []string
	time            string // as for -test.benchtime
}

var (
	both = []string{"os", "execx"}
	all  = []string{"os", "execx", "start", "c"}

	benchmarks = []benchmark{
		{"Spawn/workers=1", all, "1s"},
		{"Spawn/workers=16", all, "1s"},
		{"Spawn/workers=256", all, "1s"},
		{"SpawnContext/workers=16", both, "1s"},
		{"Busy", both, "1000x"},
		{"Output", []string{"os", "execx", "run"}, "1s"},
		{"KillToWait/others=0", both, "200x"},
		{"KillToWait/others=1000", both, "200x"},
		{"Events/children=10", []string{"os", "after"}, "200x"},
		{"Events/children=2000", []string{"os", "after"}, "200x"},
		{"Waited", both, "1x"},
		{"Exits/children=2000", []string{"os", "execx", "one"}, "1x"},
		{"Exits/children=10000", []string{"execx", "one"}, "1x"},
	}
)

// run runs the benchmark of impl in the test binary and returns its output.
func (b benchmark) run(binary, impl string) ([]byte, error) {
	pattern := "^Benchmark" + strings.ReplaceAll(b.name+"/"+impl, "/", "$/^") + "$"
	out, err := exec.Command(binary, "-test.run=^$", "-test.bench="+pattern, "-test.benchtime="+b.time).Output()
	if err != nil {
		return nil, fmt.Errorf("%s/%s: %w\n%s", b.name, impl, err, out)
	}
	return out, nil
}

// A key names a series of results: a metric of a benchmark of an implementation.
type key struct{ name, impl, unit string }

// results holds a value for each round.
type results map[key][]float64

// add adds the metrics in the output of a benchmark.
func (r *results) add(name, impl string, out []byte) error {
	if *r == nil {
		*r = make(results)
	}
	for line := range bytes.Lines(out) {
		fields := strings.Fields(string(line))
		if len(fields) < 4 || !strings.HasPrefix(fields[0], "Benchmark"+name+"/"+impl) {
			continue
		}
		for i := 2; i+1 < len(fields); i += 2 {
			value, err := strconv.ParseFloat(fields[i], 64)
			if err != nil {
				return err
			}
			k := key{name, impl, fields[i+1]}
			(*r)[k] = append((*r)[k], value)
		}
		return nil
	}
	return fmt.Errorf("%s/%s printed no result:\n%s", name, impl, out)
}
