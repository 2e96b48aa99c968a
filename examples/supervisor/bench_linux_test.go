package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"go.execx.dev/internal/proctest"
)

// BenchmarkRestart measures what the program needs to supervise n commands, and the CPU time it
// takes to notice that one has ended and to restart it. The CPU time of the commands is not
// included.
func BenchmarkRestart(b *testing.B) {
	program := filepath.Join(b.TempDir(), "supervisor")
	out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput()
	require.NoError(b, err, "%s", out)
	for _, mode := range []struct {
		name        string
		raw         bool
		descriptors int
	}{{"raw", true, 2}, {"lines", false, 3}} {
		for _, n := range []int{10, 100, 1000, 2000, 5000, 10_000} {
			b.Run(fmt.Sprintf("%s/commands=%d", mode.name, n), func(b *testing.B) {
				var limit syscall.Rlimit
				require.NoError(b, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit))
				if limit.Max < uint64(n*mode.descriptors)+100 {
					b.Skip("not enough descriptors")
				}
				benchmarkRestart(b, program, n, mode.raw)
			})
		}
	}
}

func benchmarkRestart(b *testing.B, program string, n int, raw bool) {
	dir := b.TempDir()
	conf, log := filepath.Join(dir, "conf"), filepath.Join(dir, "log")
	require.NoError(b, os.WriteFile(conf, []byte(manyCommands(n, "sleep 6000")), 0o600))
	c := exec.Command(program, "-delay", "1ms", "-max-delay", "1ms", "-grace", "1m", "-log", log, fmt.Sprint("-raw=", raw), conf)
	require.NoError(b, c.Start())
	defer func() {
		c.Process.Signal(syscall.SIGTERM)
		require.NoError(b, c.Wait())
	}()
	t := newTail(b, log)
	pids := make([]int, 0, n)
	for range n {
		pids = append(pids, t.started())
	}
	time.Sleep(time.Second) // let the garbage collector finish
	status := read(fmt.Sprintf("/proc/%d/status", c.Process.Pid))
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", c.Process.Pid))
	require.NoError(b, err)

	rest := atRest(b, c.Process.Pid)
	before, began := cpuTime(b, c.Process.Pid), time.Now()
	for i := 0; b.Loop(); i = (i + 1) % n {
		require.NoError(b, syscall.Kill(pids[i], syscall.SIGKILL))
		pids[i] = t.started()
	}
	cpu := cpuTime(b, c.Process.Pid) - before
	cpu -= time.Duration(rest * float64(time.Since(began)))
	b.ReportMetric(float64(cpu.Microseconds())/float64(b.N), "CPU-µs/restart")
	b.ReportMetric(100*rest, "CPU-%-at-rest")
	b.ReportMetric(number(b, status, "Threads"), "threads")
	b.ReportMetric(number(b, status, "VmRSS")/1024, "MiB")
	b.ReportMetric(float64(len(files)), "descriptors")
	b.ReportMetric(0, "ns/op")
}

// atRest returns the share of a CPU that an idle process uses.
func atRest(b *testing.B, pid int) float64 {
	const interval = 5 * time.Second
	before, began := cpuTime(b, pid), time.Now()
	time.Sleep(interval)
	return float64(cpuTime(b, pid)-before) / float64(time.Since(began))
}

// cpuTime returns the CPU time that a process has used.
func cpuTime(b *testing.B, pid int) time.Duration {
	var ts unix.Timespec
	const sched = 2 // see clock_getcpuclockid(3)
	require.NoError(b, unix.ClockGettime(int32(^pid<<3|sched), &ts))
	return time.Duration(ts.Nano())
}

func number(b *testing.B, status, field string) float64 {
	match := regexp.MustCompile(`(?m)^` + field + `:\s+(\d+)`).FindStringSubmatch(status)
	require.NotNil(b, match, field)
	n, err := strconv.ParseFloat(match[1], 64)
	require.NoError(b, err)
	return n
}

// A tail reads a file as it grows.
type tail struct {
	b    *testing.B
	file *os.File
	rest string
}

func newTail(b *testing.B, path string) *tail {
	t := &tail{b: b}
	proctest.Until(b, func() bool {
		var err error
		t.file, err = os.Open(path)
		return err == nil
	}, "there is no log")
	b.Cleanup(func() { t.file.Close() })
	return t
}

// started waits until the next process is started, and returns its PID.
func (t *tail) started() (pid int) {
	buf := make([]byte, 64<<10)
	proctest.Until(t.b, func() bool {
		for {
			line, rest, found := strings.Cut(t.rest, "\n")
			if !found {
				break
			}
			t.rest = rest
			if _, number, found := strings.Cut(line, "started as process "); found {
				var err error
				pid, err = strconv.Atoi(number)
				require.NoError(t.b, err)
				return true
			}
		}
		n, _ := t.file.Read(buf)
		t.rest += string(buf[:n])
		return false
	}, "nothing is started")
	return pid
}
