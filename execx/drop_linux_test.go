package execx_test

import (
	"bytes"
	"context"
	"os/exec"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/execx"
	"go.execx.dev/internal/proctest"
)

// A command that is dropped without Wait is reaped after it has ended.
func TestDropped(t *testing.T) {
	for _, tt := range []struct {
		name  string
		start func(t *testing.T, ctx context.Context)
	}{
		{"Command", func(t *testing.T, _ context.Context) {
			require.NoError(t, execx.Command("true").Start())
		}},
		{"context that lives on", func(t *testing.T, ctx context.Context) {
			require.NoError(t, execx.CommandContext(ctx, "true").Start())
		}},
		{"Cancel refers to the Cmd", func(t *testing.T, ctx context.Context) {
			c := execx.CommandContext(ctx, "true")
			c.Cancel = func() error { return c.Process.Kill() }
			require.NoError(t, c.Start())
		}},
		{"copying", func(t *testing.T, ctx context.Context) {
			c := execx.CommandContext(ctx, "true")
			c.Stdin, c.Stdout, c.Stderr = new(bytes.Buffer), new(bytes.Buffer), new(bytes.Buffer)
			require.NoError(t, c.Start())
		}},
		{"pipes", func(t *testing.T, ctx context.Context) {
			c := execx.CommandContext(ctx, "cat")
			_, err := c.StdinPipe()
			require.NoError(t, err)
			_, err = c.StdoutPipe()
			require.NoError(t, err)
			_, err = c.StderrPipe()
			require.NoError(t, err)
			require.NoError(t, c.Start())
		}},
		{"waiting was given up", func(t *testing.T, ctx context.Context) {
			c := execx.Command("true")
			require.NoError(t, c.Start())
			done, cancel := context.WithCancel(ctx)
			result := c.WaitChan(done)
			cancel()
			proctest.Receive(t, result)
		}},
		{"running", func(t *testing.T, ctx context.Context) {
			c := execx.CommandContext(ctx, "sleep", "1000")
			c.KillOnClose = true
			require.NoError(t, c.Start())
		}},
		{"group", func(t *testing.T, ctx context.Context) {
			c := execx.CommandContext(ctx, "sh", "-c", "sleep 1000 & sleep 1000")
			c.KillOnClose, c.ProcessGroup = true, true
			c.Stdout = new(bytes.Buffer) // held until the last process has ended
			require.NoError(t, c.Start())
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			proctest.NoLeaks(t)
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			tt.start(t, ctx)
			proctest.Collect(t, proctest.NoChildren, "not reaped")
			require.NoError(t, execx.DrainOrphans(t.Context()))
			assert.Zero(t, execx.Orphans())
		})
	}
}

// The runtime's checks of cleanups pass, whatever is going on during a collection.
func TestCheckFinalizers(t *testing.T) {
	if !proctest.Apart(t, func(c *exec.Cmd) { c.Env = append(c.Env, "GODEBUG=checkfinalizers=1") }) {
		return
	}
	ctx, cancel := context.WithCancel(t.Context())
	var results []<-chan error
	var kills []func() error
	for _, prepare := range []func(c *execx.Cmd){
		func(c *execx.Cmd) {},
		func(c *execx.Cmd) { c.Cancel = func() error { return c.Kill() } },
		func(c *execx.Cmd) { c.Stdout, c.ProcessGroup = callWriter(func() { c.TryWait() }), true },
	} {
		c := execx.CommandContext(ctx, "sleep", "1000")
		prepare(c)
		require.NoError(t, c.Start())
		waited := make(chan error, 1)
		go func() { waited <- c.Wait() }()
		results = append(results, waited, c.WaitChan(t.Context()))

		adopted := execx.Command("sleep", "1000")
		prepare(adopted)
		adopted.Cancel = nil
		require.NoError(t, adopted.Cmd.Start())
		results = append(results, adopted.WaitChan(t.Context()))
		kills = append(kills, adopted.Kill)
	}
	for range 3 {
		runtime.GC()
	}
	cancel()
	for _, kill := range kills {
		require.NoError(t, kill())
	}
	for _, result := range results {
		err, _ := proctest.Receive(t, result)
		assert.EqualError(t, err, "signal: killed")
	}
}
