package reaper

import (
	"context"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"go.execx.dev/internal/pidfd"
	"go.execx.dev/internal/procfs"
	"go.execx.dev/internal/proctest"
)

// A zombie that is not reaped hides no other, however little the kernel shows of the children.
func TestHidden(t *testing.T) {
	ours, file := procUsable, procfs.ChildrenFile
	t.Cleanup(func() { procUsable, procfs.ChildrenFile = ours, file })
	for _, tt := range []struct {
		name   string
		change func()
	}{
		{"all", func() {}},
		{"no list", func() { procfs.ChildrenFile = "no such file" }},
		{"other proc", func() { procUsable = func() bool { return false } }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			proctest.NoLeaks(t)
			procUsable, procfs.ChildrenFile = ours, file
			tt.change()
			first := zombie(t)
			pid, _ := pidfd.Zombie()
			require.Equal(t, first, pid)
			r := reaper{own: func() map[int]int { return map[int]int{first: 1} }}
			var hidden []int
			for range 20 {
				hidden = append(hidden, zombie(t))
			}
			now := time.Now()
			for range maxPIDs / commonPIDs { // at most, if PIDs are large
				r.scan(now)
				now = now.Add(time.Hour)
				r.scan(now)
				if len(proctest.Children()) == 1 {
					break
				}
			}
			for _, pid := range hidden {
				assert.Zero(t, proctest.State(pid))
			}
			wait(t, first)
		})
	}
}

// The zombie of another user is reaped, too, even if /proc hides it.
func TestHidepid(t *testing.T) {
	if !proctest.Apart(t, func(c *exec.Cmd) {
		proctest.NeedsRoot(t)
		c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWPID | unix.CLONE_NEWNS}
	}) {
		return
	}
	require.NoError(t, unix.Mount("none", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
	require.NoError(t, unix.Mount("proc", "/proc", "proc", 0, "hidepid=2"))
	c := exec.Command("true") // of root
	require.NoError(t, c.Start())
	pid := c.Process.Pid
	require.NoError(t, c.Process.Release())
	require.NoError(t, syscall.Setgroups(nil))
	require.NoError(t, syscall.Setgid(proctest.Nobody))
	require.NoError(t, syscall.Setuid(proctest.Nobody))
	require.NoError(t, unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0)) // or /proc would not show descriptors
	proctest.Until(t, func() bool { return pidfd.IsZombie(pid) }, "has not ended")
	_, shown := procfs.Read(pid)
	require.False(t, shown)

	r := reaper{own: never}
	now := time.Now()
	assert.True(t, r.scan(now))
	assert.False(t, r.scan(now.Add(time.Hour)))
	assert.False(t, pidfd.IsZombie(pid))
}

// While the descriptors can't be listed, the program may hold any zombie.
func TestOutOfDescriptors(t *testing.T) {
	if proctest.Apart(t, nil) {
		pidfd.Supported() // caches the result
		testOutOfDescriptors(t)
	}
}

// Here it is not even known whether there are pidfds.
func TestOutOfDescriptorsFromTheStart(t *testing.T) {
	if proctest.Apart(t, nil) {
		testOutOfDescriptors(t)
	}
}

func testOutOfDescriptors(t *testing.T) {
	proctest.NoLeaks(t)
	var cmds []*exec.Cmd
	for range 100 {
		c := exec.Command("true")
		require.NoError(t, c.Start())
		cmds = append(cmds, c)
		if c.Process.WithHandle(func(uintptr) {}) == os.ErrNoHandle {
			require.NoError(t, c.Wait())
			t.Skip("needs pidfds")
		}
	}
	for _, c := range cmds {
		proctest.Zombie(t, c.Process.Pid)
	}
	var limits unix.Rlimit
	require.NoError(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &limits))
	ours := procUsable
	defer func() { procUsable = ours }()
	for i := range 4 {
		// Without a usable /proc, children are found, but not which process started them.
		procUsable = func() bool { return i%2 == 1 && ours() }
		r := reaper{own: never}
		now := time.Now()
		look := func() {
			now = now.Add(time.Hour)
			assert.True(t, r.scan(now))
		}
		require.NoError(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 3, Max: limits.Max}))
		look()
		assert.Empty(t, r.seen)
		look()
		require.NoError(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &limits))
		look()
	}
	for _, c := range cmds {
		assert.NoError(t, c.Wait())
	}
}

// mainThreadEnds is the environment variable that makes the main thread end before the tests run.
// That can happen in a program with a library written in Go.
const mainThreadEnds = "ADOPTED_MAIN_THREAD_ENDS"

func init() {
	if os.Getenv(mainThreadEnds) != "" {
		runtime.LockOSThread()
	}
}

func endMainThread() { unix.Syscall(unix.SYS_EXIT, 0, 0, 0) }

func TestMainThreadEnded(t *testing.T) {
	if !proctest.Rerunning() {
		out, err := proctest.Rerun(t, mainThreadEnds+"=1").CombinedOutput()
		require.NoError(t, err, "%s", out)
		return
	}
	proctest.BecomeSubreaper(t)
	proctest.Until(t, func() bool { return proctest.State(os.Getpid()) == 'Z' }, "the main thread lives")
	pid := proctest.Orphan(t, "exit")
	proctest.Zombie(t, pid)
	c := exec.Command("sh", "-c", "exit 3")
	require.NoError(t, c.Start())
	proctest.Zombie(t, c.Process.Pid)
	own := map[int]int{}
	if !pidfd.Supported() {
		own[c.Process.Pid] = 1
	}
	r := reaper{own: func() map[int]int { return own }}
	for hours := range time.Duration(3) {
		r.scan(time.Now().Add(hours * time.Hour))
	}
	assert.Zero(t, proctest.State(pid))
	assert.EqualError(t, c.Wait(), "exit status 3")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	assert.ErrorIs(t, Reap(ctx, never), context.Canceled)
}

// Once an os.Process is released, its child can be reaped.
func TestReleased(t *testing.T) {
	proctest.NeedsPidfd(t)
	proctest.NoLeaks(t)
	c := exec.Command("true")
	require.NoError(t, c.Start())
	proctest.Zombie(t, c.Process.Pid)
	r := reaper{own: never}
	now := time.Now()
	for range 3 {
		assert.True(t, r.scan(now))
		assert.Empty(t, r.seen)
		now = now.Add(time.Hour)
	}
	other, err := os.FindProcess(c.Process.Pid)
	require.NoError(t, err)
	require.NoError(t, c.Process.Release())
	assert.True(t, r.scan(now))
	assert.Empty(t, r.seen)
	require.NoError(t, other.Release())
	assert.True(t, r.scan(now))
	assert.False(t, r.scan(now.Add(time.Hour)))
}
