package pidfd

import (
	"bufio"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"go.execx.dev/internal/proctest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(proctest.Checked(m)) }

// afterExit watches p and returns a channel that is closed once it has ended.
func afterExit(t *testing.T, p *os.Process) (ended <-chan struct{}, stop func()) {
	t.Helper()
	ch := make(chan struct{})
	stop, err := AfterExit(p, func() { close(ch) })
	require.NoError(t, err)
	t.Cleanup(stop)
	return ch, stop
}

func TestAfterExitDoesNotReap(t *testing.T) {
	p := proctest.Start(t, "sleep", "1000")
	p2 := proctest.Start(t, "true")
	ended, _ := afterExit(t, p)
	ended2, _ := afterExit(t, p2)
	proctest.Receive(t, ended2)
	assert.Equal(t, byte('Z'), proctest.State(p2.Pid))
	select {
	case <-ended:
		assert.Fail(t, "called for a process that lives")
	default:
	}
	require.NoError(t, p.Kill())
	proctest.Receive(t, ended)
	state, err := p.Wait()
	require.NoError(t, err)
	assert.Equal(t, "signal: killed", state.String())
}

func TestAfterExitOfZombie(t *testing.T) {
	p := proctest.Start(t, "true")
	proctest.Zombie(t, p.Pid)
	ended, _ := afterExit(t, p)
	proctest.Receive(t, ended)
}

func TestAfterExitOfReaped(t *testing.T) {
	p := proctest.Start(t, "true")
	_, err := p.Wait()
	require.NoError(t, err)
	_, err = AfterExit(p, func() { panic("called") })
	assert.ErrorIs(t, err, os.ErrProcessDone)
}

func TestAfterExitTwice(t *testing.T) {
	p := proctest.Start(t, "true")
	first, _ := afterExit(t, p)
	proctest.Receive(t, first)
	second, _ := afterExit(t, p) // the first is over, so this one is not refused
	proctest.Receive(t, second)
}

func TestAfterExitOfSharedProcess(t *testing.T) {
	p := proctest.Start(t, "sleep", "1000")
	_, stop := afterExit(t, p)
	_, err := AfterExit(p, func() { panic("called") })
	assert.ErrorIs(t, err, unix.EEXIST)
	stop()
	ended, _ := afterExit(t, p)
	require.NoError(t, p.Kill())
	proctest.Receive(t, ended)
}

// The kernel tells nobody that os has closed the pidfd.
func TestAfterExitReapedThroughProcess(t *testing.T) {
	p := proctest.Start(t, "sleep", "1000")
	require.NoError(t, p.Signal(unix.SIGSTOP))
	ended, _ := afterExit(t, p)
	require.NoError(t, p.Kill())
	p.Wait() // may win against the event, or not
	proctest.Receive(t, ended)
}

func TestAfterExitReaped(t *testing.T) {
	for name, reap := range map[string]func(p *os.Process){
		"os": func(p *os.Process) { p.Wait() },
		"wait4": func(p *os.Process) {
			unix.Wait4(p.Pid, nil, 0, nil)
		},
		"release": func(p *os.Process) {
			unix.Wait4(p.Pid, nil, 0, nil)
			p.Release()
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := proctest.Start(t, "true")
			proctest.Zombie(t, p.Pid)
			w := &watch{process: p}
			ended := make(chan struct{})
			w.f = func() { close(ended) }
			// The event is lost if the reap comes before the goroutine that
			// would handle it.
			global.mu.Lock()
			running := global.running
			global.running = true
			global.mu.Unlock()
			require.False(t, running)
			require.NoError(t, global.add(w))
			reap(p)
			go global.run()
			proctest.Receive(t, ended)
		})
	}
}

func TestAfterExitOfStranger(t *testing.T) {
	c := exec.Command("sh", "-c", "sleep 1000 >/dev/null & echo $!; wait")
	stdout, err := c.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	t.Cleanup(func() { c.Wait() })
	line, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	require.NoError(t, err)

	p, err := os.FindProcess(pid)
	require.NoError(t, err)
	defer p.Release()
	exited, err := Exited(p)
	require.NoError(t, err)
	assert.False(t, exited)
	ended, _ := afterExit(t, p)
	require.NoError(t, p.Kill())
	proctest.Receive(t, ended)
	exited, err = Exited(p)
	require.NoError(t, err)
	assert.True(t, exited)
}

func TestStop(t *testing.T) {
	p := proctest.Start(t, "sleep", "1000")
	stop, err := AfterExit(p, func() { panic("called") })
	require.NoError(t, err)
	stop()
	stop()
	require.NoError(t, p.Kill())
	proctest.Zombie(t, p.Pid)
	goleak.VerifyNone(t)
	assert.Empty(t, global.watches)
	assert.Zero(t, global.queue.Len())
}

func TestStopRacesWithExit(t *testing.T) {
	for range 200 {
		p := proctest.Start(t, "true")
		var calls atomic.Int32
		stop, err := AfterExit(p, func() { calls.Add(1) })
		require.NoError(t, err)
		stop()
		assert.LessOrEqual(t, calls.Load(), int32(1))
	}
	goleak.VerifyNone(t)
}

func TestManyAtOnce(t *testing.T) {
	const n = 5 * batch
	gate, open, err := os.Pipe()
	require.NoError(t, err)
	ended := make(chan int, n)
	for i := range n {
		c := exec.Command("cat")
		c.Stdin = gate
		require.NoError(t, c.Start())
		t.Cleanup(func() { c.Process.Kill(); c.Process.Wait() })
		_, err := AfterExit(c.Process, func() { ended <- i })
		require.NoError(t, err)
	}
	gate.Close()
	open.Close()
	seen := make(map[int]bool)
	for range n {
		i, _ := proctest.Receive(t, ended)
		seen[i] = true
	}
	assert.Len(t, seen, n)
	goleak.VerifyNone(t)
}

// A traced zombie is readable though nobody but the tracer can wait for it.
func TestTracedZombie(t *testing.T) {
	p := proctest.Start(t, "sleep", "1000")
	release := proctest.Trace(t, p.Pid)
	ended, _ := afterExit(t, p)
	require.NoError(t, p.Kill())
	proctest.Zombie(t, p.Pid)
	exited, err := Exited(p)
	require.NoError(t, err)
	assert.False(t, exited)

	// Meanwhile others are told of, and the CPU is at rest.
	before := cpuTime(t)
	other, _ := afterExit(t, proctest.Start(t, "sleep", "2"))
	proctest.Receive(t, other)
	assert.Less(t, cpuTime(t)-before, int64(1e9), "ns of CPU in 2 s")
	select {
	case <-ended:
		assert.Fail(t, "called before the tracer let go")
	default:
	}

	release()
	proctest.Receive(t, ended)
}

func cpuTime(t *testing.T) int64 {
	var usage unix.Rusage
	require.NoError(t, unix.Getrusage(unix.RUSAGE_SELF, &usage))
	return usage.Utime.Nano() + usage.Stime.Nano()
}

// More processes than one look takes are all looked at in the end.
func TestLookIsFair(t *testing.T) {
	var p poller
	require.NoError(t, p.open())
	defer p.file.Close()
	for key := range uint64(10) {
		w := &watch{key: key}
		w.elem = p.queue.PushBack(w)
		p.watches[key] = w
	}
	for round := range 3 {
		for key := range uint64(10) {
			assert.Equal(t, key, p.next().key, "round %d", round)
		}
	}
}

func TestDescriptors(t *testing.T) {
	ended, _ := afterExit(t, proctest.Start(t, "true")) // opens the epoll set
	proctest.Receive(t, ended)
	proctest.NoLeaks(t)
	p := proctest.Start(t, "sleep", "1000")
	before := proctest.Descriptors()
	ended, stop := afterExit(t, p)
	assert.Equal(t, before, proctest.Descriptors())
	stop()
	_ = ended
}
