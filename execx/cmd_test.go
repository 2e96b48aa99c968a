package execx_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/execx"
	"go.execx.dev/internal/proctest"
)

func TestBadInput(t *testing.T) {
	dir := proctest.TempDir(t)
	file := filepath.Join(dir, "file")
	require.NoError(t, os.WriteFile(file, []byte("#!/bin/sh\n"), 0o644))
	program := filepath.Join(dir, "program")
	require.NoError(t, os.WriteFile(program, []byte("#!/bin/sh\n"), 0o755))
	garbage := filepath.Join(dir, "garbage")
	require.NoError(t, os.WriteFile(garbage, []byte{0x7f, 'E', 'L', 'F', 0}, 0o755))
	done, cancel := context.WithCancel(t.Context())
	cancel()

	for _, tt := range []struct {
		name string
		run  func(t *testing.T, command commander) error
	}{
		{"missing program", func(t *testing.T, command commander) error {
			_, r := command(nil, "no-such-program")
			return r.Run()
		}},
		{"missing path", func(t *testing.T, command commander) error {
			_, r := command(nil, filepath.Join(dir, "none"))
			return r.Run()
		}},
		{"directory", func(t *testing.T, command commander) error {
			_, r := command(nil, dir)
			return r.Run()
		}},
		{"not executable", func(t *testing.T, command commander) error {
			_, r := command(nil, file)
			return r.Run()
		}},
		{"not a program", func(t *testing.T, command commander) error {
			_, r := command(nil, garbage)
			return r.Run()
		}},
		{"found in dot", func(t *testing.T, command commander) error {
			t.Chdir(dir)
			t.Setenv("PATH", ".")
			_, r := command(nil, "program")
			return r.Run()
		}},
		{"empty name", func(t *testing.T, command commander) error {
			_, r := command(nil, "")
			return r.Run()
		}},
		{"no path", func(t *testing.T, command commander) error {
			c, r := command(nil, "true")
			c.Path = ""
			return r.Run()
		}},
		{"missing directory", func(t *testing.T, command commander) error {
			c, r := command(nil, "true")
			c.Dir = filepath.Join(dir, "none")
			return r.Run()
		}},
		{"NUL in environment", func(t *testing.T, command commander) error {
			c, r := command(nil, "true")
			c.Env = []string{"A=\x00"}
			return r.Run()
		}},
		{"Wait before Start", func(t *testing.T, command commander) error {
			_, r := command(nil, "true")
			return r.Wait()
		}},
		{"Wait after failed Start", func(t *testing.T, command commander) error {
			_, r := command(nil, "no-such-program")
			assert.Error(t, r.Start())
			return r.Wait()
		}},
		{"Start twice", func(t *testing.T, command commander) error {
			_, r := command(nil, "true")
			assert.NoError(t, r.Start())
			err := r.Start()
			assert.NoError(t, r.Wait())
			return err
		}},
		{"Start after failed Start", func(t *testing.T, command commander) error {
			_, r := command(nil, "no-such-program")
			assert.Error(t, r.Start())
			return r.Start()
		}},
		{"Start after Wait", func(t *testing.T, command commander) error {
			_, r := command(nil, "true")
			assert.NoError(t, r.Run())
			return r.Start()
		}},
		{"context done before Start", func(t *testing.T, command commander) error {
			_, r := command(done, "true")
			return r.Run()
		}},
		{"Cancel without context", func(t *testing.T, command commander) error {
			c, r := command(nil, "true")
			c.Cancel = func() error { return nil }
			return r.Run()
		}},
		{"streams of a command that does not start", func(t *testing.T, command commander) error {
			c, r := command(nil, filepath.Join(dir, "none"))
			c.Stdin = strings.NewReader("in")
			c.Stdout = new(bytes.Buffer)
			c.Stderr = new(bytes.Buffer)
			return r.Run()
		}},
		{"pipes of a command that does not start", func(t *testing.T, command commander) error {
			_, r := command(nil, filepath.Join(dir, "none"))
			_, err := r.StdinPipe()
			assert.NoError(t, err)
			_, err = r.StdoutPipe()
			assert.NoError(t, err)
			_, err = r.StderrPipe()
			assert.NoError(t, err)
			return r.Run()
		}},
		{"reader of a pipe of a command that does not start", func(t *testing.T, command commander) error {
			_, r := command(nil, filepath.Join(dir, "none"))
			stdout, err := r.StdoutPipe()
			assert.NoError(t, err)
			assert.Error(t, r.Start())
			_, err = stdout.Read(make([]byte, 1))
			return err
		}},
		{"Output with Stdout", func(t *testing.T, command commander) error {
			c, r := command(nil, "true")
			c.Stdout = os.Stdout
			_, err := r.Output()
			return err
		}},
		{"CombinedOutput with Stdout", func(t *testing.T, command commander) error {
			c, r := command(nil, "true")
			c.Stdout = os.Stdout
			_, err := r.CombinedOutput()
			return err
		}},
		{"CombinedOutput with Stderr", func(t *testing.T, command commander) error {
			c, r := command(nil, "true")
			c.Stderr = os.Stderr
			_, err := r.CombinedOutput()
			return err
		}},
		{"StdinPipe twice", func(t *testing.T, command commander) error {
			_, r := command(nil, "true")
			_, err := r.StdinPipe()
			assert.NoError(t, err)
			_, err = r.StdinPipe()
			assert.NoError(t, r.Run())
			return err
		}},
		{"StdoutPipe with Stdout", func(t *testing.T, command commander) error {
			c, r := command(nil, "true")
			c.Stdout = os.Stdout
			_, err := r.StdoutPipe()
			return err
		}},
		{"StderrPipe after Start", func(t *testing.T, command commander) error {
			_, r := command(nil, "true")
			assert.NoError(t, r.Start())
			_, err := r.StderrPipe()
			assert.NoError(t, r.Wait())
			return err
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			compare(t, tt.run)
		})
	}
}

func TestOutput(t *testing.T) {
	for _, script := range []string{
		"echo out",
		"echo out; echo err >&2; exit 3",
		"exit 3",
		"kill -9 $$",
		"head -c 65536 /dev/zero | tr '\\0' x >&2; exit 1",
		"head -c 65537 /dev/zero | tr '\\0' x >&2; exit 1",
		"seq 1 100000 >&2; exit 1",
	} {
		t.Run(script, func(t *testing.T) {
			var want []byte
			var wantErr *exec.ExitError
			compare(t, func(t *testing.T, command commander) error {
				_, r := command(nil, "sh", "-c", script)
				out, err := r.Output()
				if want == nil {
					want = out
				}
				assert.Equal(t, want, out)
				if exitErr, ok := errors.AsType[*exec.ExitError](err); ok {
					if wantErr == nil {
						wantErr = exitErr
					}
					assert.Equal(t, wantErr.Stderr, exitErr.Stderr)
				}
				return err
			})
		})
	}
}

func TestOutputWithStderr(t *testing.T) {
	compare(t, func(t *testing.T, command commander) error {
		c, r := command(nil, "sh", "-c", "echo out; echo err >&2; exit 3")
		var stderr bytes.Buffer
		c.Stderr = &stderr
		out, err := r.Output()
		assert.Equal(t, "out\n", string(out))
		assert.Equal(t, "err\n", stderr.String())
		return err
	})
}

func TestCombinedOutput(t *testing.T) {
	compare(t, func(t *testing.T, command commander) error {
		_, r := command(nil, "sh", "-c", "echo a; echo b >&2; echo c; exit 3")
		out, err := r.CombinedOutput()
		assert.Equal(t, "a\nb\nc\n", string(out))
		return err
	})
}

func TestFieldsAreLeftAlone(t *testing.T) {
	proctest.NoLeaks(t)
	stdin, stdout := strings.NewReader("in"), new(bytes.Buffer)
	c := execx.CommandContext(t.Context(), "cat")
	c.Stdin, c.Stdout = stdin, stdout
	c.WaitDelay = proctest.Deadline
	require.NoError(t, c.Run())
	assert.Same(t, stdin, c.Stdin)
	assert.Same(t, stdout, c.Stdout)
	assert.Nil(t, c.Stderr)
	assert.Equal(t, proctest.Deadline, c.WaitDelay)
	assert.NotNil(t, c.Cancel)
	assert.Equal(t, "in", stdout.String())
}

func TestKill(t *testing.T) {
	proctest.NoLeaks(t)
	c := execx.Command("sleep", "1000")
	assert.EqualError(t, c.Kill(), "exec: not started")
	require.NoError(t, c.Start())
	require.NoError(t, c.Kill())
	proctest.Zombie(t, c.Process.Pid)
	assert.ErrorIs(t, c.Kill(), os.ErrProcessDone, "ended but not reaped")
	assert.EqualError(t, c.Wait(), proctest.Killed)
	assert.ErrorIs(t, c.Kill(), os.ErrProcessDone, "reaped")
}

// The Cancel of a copy acts on the copy.
func TestCopyBeforeStart(t *testing.T) {
	for _, tt := range []struct {
		name    string
		command func(ctx context.Context) *exec.Cmd
	}{
		{"exec", func(ctx context.Context) *exec.Cmd { return exec.CommandContext(ctx, "sleep", "1000") }},
		{"execx", func(ctx context.Context) *exec.Cmd { return &execx.CommandContext(ctx, "sleep", "1000").Cmd }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			proctest.NoLeaks(t)
			ctx, cancel := context.WithCancel(t.Context())
			c := execx.Cmd{Cmd: *tt.command(ctx)}
			require.NoError(t, c.Start())
			cancel()
			assert.EqualError(t, c.Wait(), proctest.Killed)
		})
	}
}
