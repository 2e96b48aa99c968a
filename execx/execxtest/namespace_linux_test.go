package execxtest_test

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"go.execx.dev/execx"
	"go.execx.dev/execx/execxtest"
	"go.execx.dev/internal/proctest"
)

const (
	somebody     = 65534 // a user without capabilities
	somebodyElse = 65533
)

func init() {
	mains["PID 1"] = func(m *testing.M) {
		mountProc("")
		execxtest.VerifyTestMain(m)
	}
	mains["no /proc"] = mains["checked"] // with that of another PID namespace only
	mains["hidepid"] = func(*testing.M) {
		mountProc("hidepid=2")
		c := exec.Command("/proc/self/exe", os.Args[1:]...)
		c.Env = append(os.Environ(), mainOf+"=checked")
		c.Stdout, c.Stderr = os.Stdout, os.Stderr
		c.SysProcAttr = &syscall.SysProcAttr{
			Credential:  &syscall.Credential{Uid: somebody, Gid: somebody},
			AmbientCaps: []uintptr{unix.CAP_SETUID, unix.CAP_SETGID}, // but not those to see and to kill all processes
		}
		c.Run()
		os.Exit(c.ProcessState.ExitCode())
	}
	for main, skip := range map[string]bool{"PID 1": false, "no /proc": false, "hidepid": os.Getuid() != 0} {
		prepares[main] = func(t *testing.T, c *exec.Cmd) {
			if skip {
				t.Skip("needs to be root")
			}
			c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWPID | unix.CLONE_NEWNS}
			if id := os.Getuid(); id != 0 {
				c.SysProcAttr.Cloneflags |= unix.CLONE_NEWUSER
				c.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: id, Size: 1}}
			}
		}
	}
}

// mountProc mounts the /proc of the PID namespace, in a mount namespace of its own.
func mountProc(options string) {
	err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")
	if err == nil {
		err = unix.Mount("proc", "/proc", "proc", 0, options)
	}
	if err != nil {
		fmt.Println("SKIP:", err)
		os.Exit(0)
	}
}

func skipUnlessRun(t *testing.T, stdout string) {
	t.Helper()
	if strings.HasPrefix(stdout, "SKIP:") {
		t.Skip(stdout)
	}
}

// PID 1 inherits orphans in any case, and may reap them itself.
func TestPID1(t *testing.T) {
	needsSubreaper(t)
	if proctest.Rerunning() {
		assert.Equal(t, 1, os.Getpid())
		_, err := exec.Command("sh", "-c", "sleep 0.1 >&- 2>&- & "+leave).Output()
		require.NoError(t, err)
		return
	}
	t.Parallel()
	code, stdout, stderr, _ := rerun(t, "PID 1")
	skipUnlessRun(t, stdout)
	assert.Equal(t, 1, code)
	assert.Regexp(t, `^execxtest: found child processes left behind: 1
	pid P1, running, 0s old: sleep 1000
	left by a process that has ended
	started .*
If ProcessGroup is set, .*
This process is PID 1, and so it inherits other orphans, too\.
The processes found are killed now\.
$`, stderr)
}

// Without a /proc of its PID namespace, a check finds the children of execx and, if there are none,
// whether there is any other child.
func TestNoProc(t *testing.T) {
	if proctest.Rerunning() {
		require.NoError(t, exec.Command("true").Run())
		require.NoError(t, execxtest.Find())

		c := startSleep(t)
		assert.ErrorContains(t, execxtest.Find(), fmt.Sprintf("left behind: 1\n\tpid %d, in an unknown state, ", c.Process.Pid))
		assert.NoError(t, execxtest.Find(execxtest.IgnorePid(c.Process.Pid)))
		assert.Contains(t, verify(execxtest.Kill(true)), "created by:\n\t\tgo.execx.dev/execx/execxtest_test.startSleep\n")
		assert.EqualError(t, c.Wait(), "signal: killed")

		startKeptByExec(t)
		return
	}
	t.Parallel()
	code, stdout, stderr, _ := rerun(t, "no /proc")
	assert.Equal(t, 1, code)
	assert.Contains(t, stdout, "--- PASS")
	assert.Equal(t, `execxtest: found child processes left behind: 1
	a child that can be neither identified nor killed without a /proc of its PID namespace
This process is PID 1, and so it inherits other orphans, too.
`, stderr)
}

// Children that hidepid hides are found.
func TestHidden(t *testing.T) {
	needsSubreaper(t)
	if proctest.Rerunning() {
		attr := &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: somebodyElse, Gid: somebodyElse}}
		c := execx.Command("sleep", "1000")
		c.SysProcAttr = attr
		require.NoError(t, c.Start())
		other := exec.Command("sleep", "1000")
		other.SysProcAttr = attr
		require.NoError(t, other.Start())
		kept = append(kept, c, other)
		_, err := os.Stat(fmt.Sprintf("/proc/%d", c.Process.Pid))
		require.ErrorIs(t, err, os.ErrNotExist)
		return
	}
	t.Parallel()
	code, stdout, stderr, _ := rerun(t, "hidepid")
	skipUnlessRun(t, stdout)
	assert.Equal(t, 1, code)
	assert.Contains(t, stderr, "left behind: 2\n")
	assert.Regexp(t, `	pid P\d, in an unknown state, 0s old: sleep 1000
	started in TestHidden
	created by:
		go.execx.dev/execx/execxtest_test.TestHidden
`, stderr)
	assert.Regexp(t, `	pid P\d, in an unknown state: \[hidden by the hidepid option of /proc\]
	started in an unknown test
`, stderr)
	assert.Equal(t, 2, strings.Count(stderr, ": operation not permitted\n"))
}
