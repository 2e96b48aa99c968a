package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"testing"

	"go.execx.dev/bench/internal/rig"
	"go.execx.dev/execx"
)

// Environment variables of a measuring process: roleEnv holds the package to measure, and
// programsEnv the [rig.Programs] to measure it with, as JSON.
const (
	roleEnv     = "EXECX_BENCH_WAITED"
	programsEnv = "EXECX_BENCH_PROGRAMS"
)

// BenchmarkWaited measures what waiting for a child costs: with os/exec, a goroutine in Wait; with
// execx, a channel. A separate process makes each measurement.
func BenchmarkWaited(b *testing.B) {
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	built, err := json.Marshal(programs)
	if err != nil {
		b.Fatal(err)
	}
	compare(b, func(b *testing.B, pkg rig.Package) {
		var resident, threads float64
		for range b.N {
			c := exec.Command(self)
			c.Env = append(os.Environ(), roleEnv+"="+pkg.Name, programsEnv+"="+string(built))
			c.Stderr = os.Stderr
			out, err := c.Output()
			if err != nil {
				b.Fatal(err)
			}
			var r, t float64
			if _, err := fmt.Sscan(string(out), &r, &t); err != nil {
				b.Fatal(err)
			}
			resident += r
			threads += t
		}
		// The kernel stack of a thread is 16 KiB on amd64 and arm64.
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(resident/float64(b.N), "resident-B/child")
		b.ReportMetric((resident+threads*16*1024)/float64(b.N), "B/child")
		b.ReportMetric(threads/float64(b.N), "threads/child")
	})
}

// waited is the main function of a measuring process. It prints by how many bytes and threads per
// child the process grew when it began to wait.
func waited(role string) int {
	resident, threads, err := waitedCost(role)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(resident, threads)
	return 0
}

func waitedCost(role string) (resident, threads float64, err error) {
	const n = 4000
	pkg := rig.OS
	if role == rig.Execx.Name {
		pkg = rig.Execx
	}
	if err := json.Unmarshal([]byte(os.Getenv(programsEnv)), &programs); err != nil {
		return 0, 0, err
	}
	held, err := rig.Hold(pkg, programs, n)
	if err != nil {
		return 0, 0, err
	}
	debug.FreeOSMemory()
	residentBefore, threadsBefore := rig.Status("VmRSS"), rig.Status("Threads")
	results := make([]<-chan error, n)
	if pkg.Name == "os" {
		held.Wait()
	} else {
		for i, c := range held.Commands {
			results[i] = c.(*execx.Cmd).WaitChan(context.Background())
		}
		rig.Settle()
	}
	debug.FreeOSMemory()
	resident = float64(rig.Status("VmRSS")-residentBefore) * 1024 / n
	threads = float64(rig.Status("Threads")-threadsBefore) / n

	held.Release()
	runtime.KeepAlive(results)
	return resident, threads, nil
}
