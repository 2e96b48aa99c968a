package main

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/execx"
	"go.execx.dev/internal/proctest"
)

// sh returns the arguments that run a script. Without the --, tini would parse -c as its own flag.
func sh(script string) []string { return []string{"--", "sh", "-c", script} }

// A result is the exit status and the output of a container.
type result struct {
	code int
	out  string // "*" means any output except none
}

func assertResult(t *testing.T, want result, c *container) {
	t.Helper()
	code, out := c.wait(t), c.out.String()
	assert.Equal(t, want.code, code, out)
	if want.out == "*" {
		assert.NotEmpty(t, out)
	} else {
		assert.Equal(t, want.out, out)
	}
}

// situations are cases that a PID 1 must handle without outside events.
var situations = []struct {
	name string
	args []string
	want result
	tini *result // the result with tini, if it differs
}{
	{"success", sh("exit 0"), result{}, nil},
	{"failure", sh("exit 7"), result{code: 7}, nil},
	{"largest status", sh("exit 255"), result{code: 255}, nil},
	{"arguments", []string{"--", "echo", "-g", "--", "a b"}, result{0, "-g -- a b\n"}, nil},

	{"ended by SIGTERM", sh("kill -TERM $$"), result{code: 143}, nil},
	{"ended by SIGKILL", sh("kill -KILL $$"), result{code: 137}, nil},
	{"ended by SIGSEGV", sh("ulimit -c 0; kill -SEGV $$"), result{code: 139}, nil},

	{"no such command", []string{"nothing"}, result{127, "*"}, nil},
	{"no such file", []string{"./nothing"}, result{127, "*"}, nil},
	{"no such interpreter", []string{"./badscript"}, result{127, "*"}, nil},
	{"empty command", []string{""}, result{126, "*"}, &result{127, "*"}},
	{"not executable", []string{"./text"}, result{126, "*"}, nil},
	{"directory", []string{"./directory"}, result{126, "*"}, nil},
	{"in no directory", []string{"./text/file"}, result{126, "*"}, &result{1, "*"}},
	// Like execvp(3), tini runs it with the shell.
	{"script without #!", []string{"./script"}, result{126, "*"}, &result{0, "shell\n"}},

	{"usage", nil, result{2, "*"}, &result{1, "*"}},
	{"no such flag", []string{"-Z", "true"}, result{2, "*"}, &result{1, "*"}},
	{"help", []string{"-h"}, result{0, "*"}, nil},

	{"parent and group", sh("read pid comm state ppid group rest </proc/$$/stat; echo $ppid $((group == pid))"), result{0, "1 1\n"}, nil},
	{
		"orphans",
		sh(`for i in $(seq 20); do pids="$pids $(sleep 0 >/dev/null & echo $!)"; done
		for pid in $pids; do while [ -e /proc/$pid ]; do sleep 0.01; done; done; echo reaped`),
		result{0, "reaped\n"}, nil,
	},
	{
		"orphans, detached",
		sh(`setsid sh -c '(sleep 0 & echo $! >pid.new; mv pid.new pid)' &
		until [ -e pid ]; do sleep 0.01; done; read pid <pid
		while [ -e /proc/$pid ]; do sleep 0.01; done; echo reaped`),
		result{0, "reaped\n"}, nil,
	},
	{
		"orphan with a child that it ignores",
		sh(`(sh -c 'sleep 0 & echo $! >pid.new; mv pid.new pid; exec sleep 0.01' &)
		until [ -e pid ]; do sleep 0.01; done; read pid <pid
		while [ -e /proc/$pid ]; do sleep 0.01; done; echo reaped`),
		result{0, "reaped\n"}, nil,
	},
}

func TestSituations(t *testing.T) {
	forInits(t, func(t *testing.T, init string) {
		for _, s := range situations {
			t.Run(s.name, func(t *testing.T) {
				t.Parallel()
				want := s.want
				if init == "tini" && s.tini != nil {
					want = *s.tini
				}
				c := newContainer(t, append([]string{init}, s.args...)...)
				c.file(t, "text", "", 0o600)
				c.file(t, "script", "echo shell", 0o700)
				c.file(t, "badscript", "#!/no/such/interpreter\n", 0o700)
				require.NoError(t, os.Mkdir(filepath.Join(c.dir, "directory"), 0o700))
				require.NoError(t, c.Start())
				assertResult(t, want, c)
			})
		}
	})
}

// The command inherits the same environment as it would without init.
func TestInheritance(t *testing.T) {
	const (
		set  = `trap '' HUP INT; ulimit -Sn 100; umask 027; exec 5</dev/null "$@"`
		show = `grep -E '^Sig(Ign|Blk)' /proc/self/status; ulimit -Sn; umask; pwd; env | sort; cd /proc/self/fd; echo *; cat`
	)
	inherited := func(t *testing.T, init ...string) string {
		c := newContainer(t, slices.Concat([]string{"sh", "-c", set, "sh"}, init, sh(show)[1:])...)
		c.Stdin = strings.NewReader("input")
		require.NoError(t, c.Start())
		require.Zero(t, c.wait(t), c.out.String())
		return strings.ReplaceAll(c.out.String(), c.dir, "DIR")
	}
	forInits(t, func(t *testing.T, init string) {
		want := inherited(t)
		require.Contains(t, want, "input")
		assert.Equal(t, want, inherited(t, init, "--"))
	})
}

// withoutCont returns the output of c without the line for SIGCONT, which is sent after SIGTERM and
// may arrive too late.
func withoutCont(c *container) string { return strings.ReplaceAll(c.out.String(), "got 18\n", "") }

// Processes that are left when the command exits are terminated.
func TestRest(t *testing.T) {
	for _, s := range []struct {
		name, grace, script string
		want, tini          string // the output
	}{
		{name: "nothing", grace: "1h", script: `exit 3`},
		{
			"obeys", "1h", `listen ready & until [ -e ready ]; do sleep 0.01; done; exit 3`,
			"listening\ngot 15\n", "listening\n",
		},
		{
			"obeys, detached", "1h", `setsid listen ready & until [ -e ready ]; do sleep 0.01; done; exit 3`,
			"listening\ngot 15\n", "listening\n",
		},
		{name: "many", grace: "1h", script: `for i in $(seq 100); do sleep 1000 & done; exit 3`},
		{
			"stopped", "1h", `listen ready & until [ -e ready ]; do sleep 0.01; done; kill -STOP $!
				until grep -q '^State:.T' /proc/$!/status; do sleep 0.01; done; exit 3`,
			"listening\ngot 15\n", "listening\n",
		},
		{name: "does not obey", grace: "10ms", script: `trap '' TERM; sleep 1000 & exit 3`},
		{name: "no grace period", grace: "0", script: `trap '' TERM; sleep 1000 & exit 3`},
	} {
		t.Run(s.name, func(t *testing.T) {
			forInits(t, func(t *testing.T, init string) {
				args, want := []string{init, "-grace", s.grace}, s.want
				if init == "tini" {
					args, want = []string{init}, s.tini
				}
				c := start(t, append(args, sh(s.script)...)...)
				assert.Equal(t, 3, c.wait(t))
				assert.Equal(t, want, withoutCont(c))
			})
		})
	}
}

// Processes that entered the container from outside are terminated as well, and are given the grace
// period.
func TestEntered(t *testing.T) {
	needsContainers(t)
	c := start(t, "init", "-grace", "1h", "listen")
	c.out.Await(t, 1, "listening\n")
	args := []string{"-t", strconv.Itoa(c.Process.Pid), "-p", "-m"}
	if os.Getuid() != 0 {
		args = append(args, "-U", "--preserve-credentials")
	}
	entered := execx.Command("nsenter", append(args, filepath.Join(c.dir, "listen"))...)
	entered.Stdout = &c.out
	if err := entered.Start(); err != nil {
		t.Skip(err)
	}
	c.out.Await(t, 2, "listening\n")
	c.kill(t, syscall.SIGTERM)
	assert.Equal(t, 7, c.wait(t))
	proctest.Receive(t, entered.WaitChan(t.Context()))
	assert.Equal(t, 7, entered.ProcessState.ExitCode())
}

// If init is not PID 1, it reaps its descendants, and leaves other processes alone.
func TestSubreaper(t *testing.T) {
	needsContainers(t)
	c := start(t, append([]string{"init", "-grace", "1h"}, sh(`
		listen ready & until [ -e ready ]; do sleep 0.01; done
		init -grace 1h sh -c '
			read self comm state init rest </proc/$$/stat
			orphan=$(sleep 1000 >/dev/null & echo $!)
			until read pid comm state parent rest </proc/$orphan/stat && [ $parent = $init ]; do sleep 0.01; done
			kill $orphan
			while [ -e /proc/$orphan ]; do sleep 0.01; done
			exit 5'
		echo $?; exit 3`)...)...)
	assert.Equal(t, 3, c.wait(t))
	assert.Equal(t, "listening\n5\ngot 15\n", withoutCont(c))
}
