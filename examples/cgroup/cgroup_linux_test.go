package main

import (
	"bufio"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"go.execx.dev/internal/proctest"
)

// program is the environment variable that makes the test binary run main.
const program = "CGROUP_TEST_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(program) != "" {
		main()
	}
	os.Exit(proctest.Checked(m).Run())
}

func command(arg ...string) *exec.Cmd {
	c := exec.Command(os.Args[0], arg...)
	c.Env = append(os.Environ(), program+"=1")
	return c
}

// needsCgroups skips the test if a command cannot be started in its own control group. It returns
// the directory of the parent control group.
func needsCgroups(t *testing.T) (parent string) {
	t.Helper()
	parent, err := ownCgroup()
	if err != nil {
		t.Skip("SKIPPED: ", err)
	}
	if out, err := command("true").CombinedOutput(); err != nil {
		t.Skipf("SKIPPED: %s", out)
	}
	return parent
}

// leftBehind returns the control groups that this program has left behind.
func leftBehind(t *testing.T, parent string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(parent)
	require.NoError(t, err)
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), "command-") {
			names = append(names, e.Name())
		}
	}
	return names
}

func TestExitStatus(t *testing.T) {
	parent := needsCgroups(t)
	for _, test := range []struct {
		script string
		want   int
	}{{"exit 0", 0}, {"exit 3", 3}, {"kill -TERM $$", 128 + 15}} {
		c := command("sh", "-c", test.script)
		c.Run()
		assert.Equal(t, test.want, c.ProcessState.ExitCode(), test.script)
	}
	assert.Empty(t, leftBehind(t, parent))
}

// A daemon that has left the session of the command is killed when the command exits or is killed.
func TestDaemon(t *testing.T) {
	parent := needsCgroups(t)
	const daemon = "setsid sh -c 'echo $$; exec sleep 1000 >/dev/null' & "
	for _, test := range []struct {
		name string
		args []string
		end  func(c *exec.Cmd)
		want int
	}{
		{"exit", []string{"sh", "-c", daemon + "read line; exit 3"}, nil, 3},
		{"signal", []string{"sh", "-c", daemon + "exec sleep 1000"}, func(c *exec.Cmd) { c.Process.Signal(syscall.SIGTERM) }, 128 + 9},
		{"timeout", []string{"-timeout", "500ms", "sh", "-c", daemon + "exec sleep 1000"}, nil, 128 + 9},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := command(test.args...)
			in, err := c.StdinPipe()
			require.NoError(t, err)
			out, err := c.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, c.Start())
			t.Cleanup(func() { c.Process.Kill(); c.Wait() })
			line, err := bufio.NewReader(out).ReadString('\n')
			require.NoError(t, err)
			pid, err := strconv.Atoi(strings.TrimSpace(line))
			require.NoError(t, err)
			t.Cleanup(func() { unix.Kill(pid, unix.SIGKILL) })
			in.Close()
			if test.end != nil {
				test.end(c)
			}
			c.Wait()
			assert.Equal(t, test.want, c.ProcessState.ExitCode())
			assert.True(t, proctest.Ended(pid), "the daemon is still running")
			assert.Empty(t, leftBehind(t, parent))
		})
	}
}

func TestLimits(t *testing.T) {
	parent := needsCgroups(t)
	enabled, err := os.ReadFile(parent + "/cgroup.subtree_control")
	require.NoError(t, err)
	if !strings.Contains(string(enabled), "pids") {
		out, err := command("-pids", "5", "true").CombinedOutput()
		assert.Error(t, err)
		assert.Contains(t, string(out), "write +pids to "+parent+"/cgroup.subtree_control")
		assert.Empty(t, leftBehind(t, parent))
		t.Skip("SKIPPED: the pids controller is not enabled in " + parent)
	}
	out, err := command("-pids", "5", "sh", "-c", "for i in 1 2 3 4 5 6 7 8; do sleep 1000 & done; wait").CombinedOutput()
	assert.Error(t, err)
	assert.Contains(t, string(out), "fork")
	assert.Empty(t, leftBehind(t, parent))
}

func TestNoCgroup(t *testing.T) {
	c := command("-parent", t.TempDir(), "true")
	out, _ := c.CombinedOutput()
	assert.Equal(t, exitFailed, c.ProcessState.ExitCode())
	assert.Contains(t, string(out), "not in a cgroup v2 file system")
}
