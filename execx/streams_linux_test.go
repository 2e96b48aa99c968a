package execx_test

import (
	"io"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/execx"
	"go.execx.dev/internal/cmdtest"
	"go.execx.dev/internal/proctest"
)

// The copying goroutines may call any method of the command from the first byte on.
func TestStreamUsesCommand(t *testing.T) {
	for _, tt := range []struct {
		name string
		use  func(c *execx.Cmd)
	}{
		{"TryWait", func(c *execx.Cmd) { c.TryWait() }},
		{"Signal", func(c *execx.Cmd) { c.Signal(syscall.Signal(0)) }},
		{"Close", func(c *execx.Cmd) { c.Close() }},
		{"Live", func(c *execx.Cmd) { execx.Live() }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			proctest.NoLeaks(t)
			before := execx.ReadStats()
			for range 50 {
				c := execx.Command("sh", "-c", "echo out; cat >&2")
				c.Stdin = callReader(func() {
					if tt.name != "Close" { // Close ends the input
						assert.NotEmpty(t, execx.Live(), "cat waits for its input")
					}
					tt.use(c)
				})
				c.Stdout = callWriter(func() { tt.use(c) })
				require.NoError(t, c.Start())
				err := c.Wait()
				if tt.name != "Close" {
					assert.NoError(t, err)
				}
			}
			cmdtest.DrainOrphans(t)
			after := execx.ReadStats()
			assert.Equal(t, after.Started-before.Started, after.Reaped-before.Reaped)
			assert.Equal(t, before.Stolen, after.Stolen)
		})
	}
}

type callReader func()

func (f callReader) Read([]byte) (int, error) { f(); return 0, io.EOF }

type callWriter func()

func (f callWriter) Write(b []byte) (int, error) { f(); return len(b), nil }

// A string that is the input of a process is not copied, as with os/exec. That would take as much
// memory again.
func TestLongStringIsNotCopied(t *testing.T) {
	compare(t, func(t *testing.T, command commander) error {
		const size = 64 << 20
		c, r := command(nil, "sh", "-c", "exec cat >/dev/null")
		c.Stdin = strings.NewReader(strings.Repeat("x", size))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := r.Run()
		runtime.ReadMemStats(&after)
		assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(size/2))
		return err
	})
}
