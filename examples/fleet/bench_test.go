package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// slots is the number of jobs that a worker runs at once.
const slots = 2

// BenchmarkJobs runs jobs on one machine, by the workers of a fleet and by the example parallel
// with the same number of jobs at once.
func BenchmarkJobs(b *testing.B) {
	parallel := filepath.Join(b.TempDir(), "parallel")
	out, err := exec.Command("go", "build", "-C", "../parallel", "-o", parallel, ".").CombinedOutput()
	require.NoError(b, err, "%s", out)
	for _, command := range []string{"true", "sleep 0.1"} {
		program, line, _ := strings.Cut(command, " ")
		if line == "" {
			line = "x"
		}
		input := func(b *testing.B) string { return strings.Repeat(line+"\n", b.N) }
		for _, workers := range []int{1, 2, 4} {
			b.Run(fmt.Sprintf("%s/fleet/workers=%d", program, workers), func(b *testing.B) {
				f := local(b)
				for range workers {
					f.worker("-j", strconv.Itoa(slots))
				}
				b.ResetTimer()
				status, _, _ := f.run(input(b), program)
				require.Zero(b, status)
				perSecond(b)
			})
		}
		for _, workers := range []int{1, 2, 4} {
			b.Run(fmt.Sprintf("%s/parallel/j=%d", program, slots*workers), func(b *testing.B) {
				c := exec.Command(parallel, "-j", strconv.Itoa(slots*workers), program)
				c.Stdin = strings.NewReader(input(b))
				require.NoError(b, c.Run())
				perSecond(b)
			})
		}
	}
}

func perSecond(b *testing.B) {
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "jobs/s")
	b.ReportMetric(0, "ns/op")
}
