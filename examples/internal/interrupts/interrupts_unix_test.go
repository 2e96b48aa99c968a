//go:build unix

package interrupts

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/internal/proctest"
)

func TestNotify(t *testing.T) {
	for _, test := range []struct {
		given []os.Signal
		sent  syscall.Signal
	}{
		{nil, syscall.SIGINT},
		{nil, syscall.SIGTERM},
		{nil, syscall.SIGHUP},
		{[]os.Signal{syscall.SIGUSR1}, syscall.SIGUSR1},
	} {
		if signal.Ignored(test.sent) {
			t.Logf("%v is ignored", test.sent)
			continue
		}
		c := Notify(test.given...)
		require.NoError(t, syscall.Kill(os.Getpid(), test.sent))
		got, _ := proctest.Receive(t, c)
		assert.Equal(t, test.sent, got)
	}
}

// A signal that was ignored when the program started neither ends it nor is sent to the channel.
func TestIgnored(t *testing.T) {
	if proctest.Rerunning() {
		c := Notify()
		for _, sig := range []syscall.Signal{syscall.SIGHUP, syscall.SIGTERM} {
			require.NoError(t, syscall.Kill(os.Getpid(), sig))
		}
		got, _ := proctest.Receive(t, c)
		fmt.Println("got", got)
		return
	}
	self := proctest.Rerun(t)
	c := exec.Command("sh", append([]string{"-c", `trap "" HUP; exec "$@"`, "sh"}, self.Args...)...)
	c.Env = self.Env
	out, err := c.CombinedOutput()
	require.NoError(t, err, "%s", out)
	assert.Contains(t, string(out), "got terminated\n")
}

// Writing to a pipe that has no reader is an error, even on standard error.
func TestBrokenPipe(t *testing.T) {
	if proctest.Rerunning() {
		Notify()
		_, err := os.Stderr.WriteString("x")
		fmt.Println("got", err)
		return
	}
	r, w, err := os.Pipe()
	require.NoError(t, err)
	require.NoError(t, r.Close())
	defer w.Close()
	var stdout strings.Builder
	c := proctest.Rerun(t)
	c.Stdout, c.Stderr = &stdout, w
	assert.NoError(t, c.Run())
	assert.Contains(t, stdout.String(), "broken pipe\n")
}
