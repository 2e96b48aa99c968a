package execx_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/execx"
	"go.execx.dev/internal/proctest"
)

// Stdin is a reader of the program, which may block indefinitely.
func TestWaitDelayAbandonsStdin(t *testing.T) {
	for _, tt := range []struct {
		name string
		end  func(c *execx.Cmd, cancel func())
	}{
		{"ended", func(*execx.Cmd, func()) {}},
		{"cancelled", func(_ *execx.Cmd, cancel func()) { cancel() }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			proctest.NoLeaks(t)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			r, w := io.Pipe()
			script := "exit 0"
			if tt.name == "cancelled" {
				script = "exec sleep 1000"
			}
			c := execx.CommandContext(ctx, "sh", "-c", "echo out; "+script)
			c.Stdin = r
			var out bytes.Buffer
			c.Stdout = &out
			c.WaitDelay = 1
			require.NoError(t, c.Start())
			tt.end(c, cancel)
			result := c.WaitChan(t.Context())
			err, _ := proctest.Receive(t, result)
			if tt.name == "ended" {
				assert.Equal(t, execx.ErrWaitDelay, err)
				assert.Equal(t, err, c.Wait())
			} else {
				assert.Error(t, err)
			}
			w.Write([]byte("in")) // unblocks the goroutine, which must not change the result
			w.Close()
			assert.Equal(t, err, c.Wait())
		})
	}
}

// As with os/exec, a negative WaitDelay expires at once.
func TestNegativeWaitDelay(t *testing.T) {
	compare(t, func(t *testing.T, command commander) error {
		hold, held, err := os.Pipe()
		require.NoError(t, err)
		defer held.Close()
		c, r := command(nil, "sh", "-c", "cat <&3 &")
		c.ExtraFiles = []*os.File{hold}
		c.Stdout = new(bytes.Buffer)
		c.WaitDelay = -1
		require.NoError(t, r.Start())
		hold.Close()
		return r.Wait()
	})
}

func TestMaxOutput(t *testing.T) {
	const limit = 1 << 20
	for _, tt := range []struct {
		name   string
		output func(c *execx.Cmd) ([]byte, error)
	}{
		{"Output", (*execx.Cmd).Output},
		{"CombinedOutput", (*execx.Cmd).CombinedOutput},
	} {
		t.Run(tt.name, func(t *testing.T) {
			proctest.NoLeaks(t)
			for _, script := range []string{"yes", "yes & yes >&2 & wait", "trap '' PIPE TERM; yes | head -c 1073741824"} {
				c := execx.Command("sh", "-c", script)
				c.MaxOutput = limit
				c.ProcessGroup = true
				out, err := tt.output(c)
				assert.Equal(t, execx.ErrOutputTooLong, err)
				assert.Len(t, out, limit)
				assert.Equal(t, strings.Repeat("y\n", 10), string(out[:20]))
				assert.Equal(t, err, c.Wait())
				assert.NoError(t, c.Close())
			}
			c := execx.Command("head", "-c", strconv.Itoa(limit), "/dev/zero")
			c.MaxOutput = limit
			out, err := tt.output(c)
			assert.NoError(t, err, "as much as that is not too long")
			assert.Len(t, out, limit)
		})
	}
	t.Run("bounded", func(t *testing.T) { // although another process holds standard error
		hold, held, err := os.Pipe()
		require.NoError(t, err)
		defer held.Close()
		c := execx.Command("sh", "-c", "cat <&3 >/dev/null & yes")
		c.ExtraFiles = []*os.File{hold}
		c.MaxOutput = 10
		out, err := c.Output()
		hold.Close()
		assert.True(t, errors.Is(err, execx.ErrOutputTooLong))
		assert.Len(t, out, 10)
	})
}

// The longest WaitDelay means no limit for Shutdown, either.
func TestLongestWaitDelay(t *testing.T) {
	proctest.NoLeaks(t)
	c := execx.Command("sh")
	c.WaitDelay = math.MaxInt64
	startScript(t, c, "sleep 0.3 & "+stubborn)
	assert.EqualError(t, c.Shutdown(soon(t)), "signal: killed")
	done, _ := c.TryWait()
	assert.True(t, done, "the output was not waited for")
}
