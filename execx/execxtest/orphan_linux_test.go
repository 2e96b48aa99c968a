package execxtest_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/execx"
	"go.execx.dev/execx/execxtest"
	"go.execx.dev/internal/proctest"
)

// daemon returns the PID of a process that a shell has left behind. out is the output of the shell.
func daemon(t *testing.T, out []byte, err error) int {
	t.Helper()
	require.NoError(t, err)
	pid, err := strconv.Atoi(strings.TrimSpace(string(out)))
	require.NoError(t, err)
	t.Cleanup(func() {
		syscall.Kill(pid, syscall.SIGKILL)
		gone(t, pid)
	})
	return pid
}

// gone waits until there is no process with the given PID, as a program does that has only the PID.
func gone(t *testing.T, pid int) {
	t.Helper()
	proctest.Until(t, func() bool { return syscall.Kill(pid, 0) == syscall.ESRCH }, "process %d is not gone", pid)
}

const leave = "sleep 1000 >&- 2>&- & echo $!"

func TestLeftByCommand(t *testing.T) {
	needsSubreaper(t)
	proctest.PassTick(t)
	c := execx.Command("sh", "-c", leave)
	out, err := c.Output()
	pid := daemon(t, out, err)
	assert.Regexp(t, fmt.Sprintf(`^execxtest: found child processes left behind: 1
	pid %d, running, \S+ old: sleep 1000
	probably left by pid %d, which has ended: sh -c .*
	started in TestLeftByCommand
	created by:
		go\.execx\.dev/execx/execxtest_test\.TestLeftByCommand
			.*orphan_linux_test\.go:\d+
If ProcessGroup is set, .*$`, pid, c.Process.Pid), verify())
}

// The process group of an orphan identifies the command that led the group.
func TestLeftByGroup(t *testing.T) {
	needsSubreaper(t)
	proctest.PassTick(t)
	other := startSleep(t) // runs at the same time
	c := execx.Command("sh", "-c", leave)
	c.ProcessGroup = true
	out, err := c.Output()
	pid := daemon(t, out, err)
	assert.Regexp(t, fmt.Sprintf(`pid %d, running, \S+ old: sleep 1000
	left by pid %d, which has ended: sh -c .*
	started in TestLeftByGroup
`, pid, c.Process.Pid), verify(execxtest.IgnorePid(other.Process.Pid)))
}

func TestLeftByOneOfSeveral(t *testing.T) {
	needsSubreaper(t)
	proctest.PassTick(t)
	other := startSleep(t)
	c := execx.Command("sh", "-c", leave)
	out, err := c.Output()
	pid := daemon(t, out, err)
	assert.Regexp(t, fmt.Sprintf(`pid %d, running, \S+ old: sleep 1000
	probably left by one of 2 commands that were running then:
		pid %d: sleep 1000, started in TestLeftByOneOfSeveral
		pid %d, which has ended: sh -c .*, started in TestLeftByOneOfSeveral
	started `, pid, other.Process.Pid, c.Process.Pid), verify(execxtest.IgnorePid(other.Process.Pid)))
}

func TestLeftByCommandOfExec(t *testing.T) {
	needsSubreaper(t)
	proctest.PassTick(t)
	out, err := exec.Command("sh", "-c", leave).Output()
	pid := daemon(t, out, err)
	assert.Regexp(t, fmt.Sprintf(`pid %d, running, \S+ old: sleep 1000
	left by a process that has ended
	started `, pid), verify())
}

// Orphans that have ended are reaped, so that a test can wait until they are gone, and are not
// reported as zombies.
func TestOrphanEnds(t *testing.T) {
	needsSubreaper(t)
	pid := proctest.Orphan(t, "sleep 0.2")
	t.Cleanup(execxtest.SetExitTimeout(proctest.Deadline))
	assert.Empty(t, verify())
	gone(t, pid)
}

// An orphan that a check finds ended, and reaps, is not reported by it, even if there is no time for
// another look.
func TestOrphanHasJustEnded(t *testing.T) {
	needsSubreaper(t)
	t.Cleanup(execxtest.SetExitTimeout(0))
	for range 50 {
		pid := proctest.Orphan(t, "exit")
		proctest.Until(t, func() bool { return proctest.Ended(pid) }, "not ended")
		require.Empty(t, verify())
	}
}

// An orphan is reaped although the program has a pidfd of it, if it was seen before.
func TestOrphanFound(t *testing.T) {
	needsSubreaper(t)
	out, err := exec.Command("sh", "-c", leave).Output()
	pid := daemon(t, out, err)
	assert.NotEmpty(t, verify())
	p, err := os.FindProcess(pid)
	require.NoError(t, err)
	defer p.Release()
	require.NoError(t, p.Kill())
	proctest.Until(t, func() bool { return errors.Is(p.Signal(syscall.Signal(0)), os.ErrProcessDone) }, "not gone")
}

// The status of a child of this process is left to its owner, however it was started, and however
// long it has been a zombie.
func TestStatusIsNotTaken(t *testing.T) {
	needsSubreaper(t)
	var commands []*exec.Cmd
	for i := range 10 {
		c := exec.Command("sh", "-c", fmt.Sprint("exit ", i))
		started := make(chan error, 1)
		go func() {
			if i%2 == 0 {
				runtime.LockOSThread() // the thread ends with the goroutine, and leaves the child to the main thread
			}
			started <- c.Start()
		}()
		err, _ := proctest.Receive(t, started)
		require.NoError(t, err)
		commands = append(commands, c)
	}
	byNumber := make(chan int, 1)
	go func() {
		runtime.LockOSThread() // and so not on the main thread
		defer runtime.UnlockOSThread()
		path, _ := exec.LookPath("false")
		pid, _ := syscall.ForkExec(path, []string{"false"}, nil)
		byNumber <- pid
	}()
	number, _ := proctest.Receive(t, byNumber)
	for _, c := range commands {
		proctest.Zombie(t, c.Process.Pid)
	}
	proctest.Zombie(t, number)

	// Once a later orphan has been reaped, all these children have been seen.
	gone(t, proctest.Orphan(t, "exit"))
	assert.Contains(t, verify(), "left behind: 11\n")

	for i, c := range commands {
		c.Wait()
		assert.Equal(t, i, c.ProcessState.ExitCode())
	}
	var status syscall.WaitStatus
	pid, err := syscall.Wait4(number, &status, 0, nil)
	require.NoError(t, err)
	assert.Equal(t, number, pid)
	assert.Equal(t, 1, status.ExitStatus())
}

// The check of a package also finds orphans, and kills them with all their descendants.
func TestLeftBehindByPackage(t *testing.T) {
	needsSubreaper(t)
	if proctest.Rerunning() {
		c := execx.Command("sh", "-c", "sh -c 'sleep 1000; :' & sleep 1001 & echo")
		stdout, err := c.StdoutPipe() // the orphans keep it open
		require.NoError(t, err)
		c.Stderr = os.Stderr
		require.NoError(t, c.Start())
		_, err = bufio.NewReader(stdout).ReadString('\n')
		require.NoError(t, err)
		require.NoError(t, c.Wait())
		return
	}
	t.Parallel()
	code, _, stderr, pids := rerun(t, "checked")
	assert.Equal(t, 1, code)
	assert.Regexp(t, `^execxtest: found child processes left behind: 2
	pid P1, running, 0s old: .*
	probably left by pid P2, which has ended: sh -c sh -c 'sleep 1000; :' & sleep 1001 & echo
	started in TestLeftBehindByPackage
	created by:
		go\.execx\.dev/execx/execxtest_test\.TestLeftBehindByPackage
			\.\.\./orphan_linux_test\.go:0
	pid P3, running, 0s old: .*
	probably left by pid P2, which has ended: (?s:.*)
The processes found are killed now\.
$`, stderr)
	for _, pid := range pids {
		assert.True(t, proctest.Ended(pid))
	}
}
