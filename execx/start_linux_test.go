package execx_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"go.execx.dev/execx"
	"go.execx.dev/internal/cmdtest"
	"go.execx.dev/internal/proctest"
)

// Start writes only to the field Process: the program may read the others meanwhile. The race
// detector, if enabled, checks that.
func TestStartWritesNothing(t *testing.T) {
	proctest.NoLeaks(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var out, errOut bytes.Buffer
	c := execx.CommandContext(ctx, "sh", "-c", "cat; exit 3")
	c.Stdin, c.Stdout, c.Stderr = strings.NewReader("in"), &out, &errOut
	c.ProcessGroup = true
	c.SysProcAttr = &syscall.SysProcAttr{}
	attr := c.SysProcAttr
	started := make(chan struct{})
	var looker sync.WaitGroup
	looker.Go(func() {
		for {
			assert.Equal(t, &out, c.Stdout)
			assert.Equal(t, &errOut, c.Stderr)
			assert.Same(t, attr, c.SysProcAttr)
			assert.NotNil(t, c.Stdin)
			assert.NotNil(t, c.Cancel)
			assert.Zero(t, c.WaitDelay)
			assert.NoError(t, c.Err)
			select {
			case <-started:
				return
			default:
			}
		}
	})
	err := c.Start()
	close(started)
	looker.Wait()
	require.NoError(t, err)
	assert.EqualError(t, c.Wait(), "exit status 3")
	assert.Equal(t, "in", out.String())
	require.NoError(t, c.Close())

	for _, tt := range []struct {
		name  string
		fails func(c *execx.Cmd)
	}{
		{"no such directory", func(c *execx.Cmd) { c.Dir = "/no such directory" }},
		{"joins a group", func(c *execx.Cmd) { c.ProcessGroup, c.SysProcAttr = true, &syscall.SysProcAttr{Pgid: 1} }},
	} {
		c := execx.Command("true")
		stdout, err := c.StdoutPipe()
		require.NoError(t, err)
		tt.fails(c)
		want := c.Stdout
		assert.Error(t, c.Start(), tt.name)
		assert.NoError(t, c.Err)
		assert.Equal(t, want, c.Stdout)
		_, err = stdout.Read(make([]byte, 1))
		assert.ErrorIs(t, err, os.ErrClosed, tt.name)
	}
}

// A Cmd can be started once, by its own Start or by that of the embedded exec.Cmd.
func TestStartedOnce(t *testing.T) {
	proctest.NoLeaks(t)
	c := execx.Command("true")
	require.NoError(t, c.Start())
	assert.EqualError(t, c.Cmd.Start(), "exec: already started")
	assert.EqualError(t, c.Start(), "exec: already started")
	assert.NoError(t, c.Wait())

	c = execx.Command("true")
	c.Dir = "/no such directory"
	assert.Error(t, c.Cmd.Start())
	c.Dir = ""
	assert.EqualError(t, c.Start(), "exec: already started")
}

// A helper that knows only the embedded exec.Cmd may make the pipes of a Cmd.
func TestPipesOfEmbedded(t *testing.T) {
	proctest.NoLeaks(t)
	c := execx.Command("cat")
	stdin, err := c.Cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := c.Cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	_, err = io.WriteString(stdin, "in")
	require.NoError(t, err)
	require.NoError(t, stdin.Close())
	out, err := io.ReadAll(stdout)
	require.NoError(t, err)
	assert.Equal(t, "in", string(out))
	assert.NoError(t, c.Wait())
	stdout.Close()
}

// With os/exec, writing a program and then starting it fails at random, because a concurrent start
// may hold the file open. Here it does not.
func TestTextFileBusy(t *testing.T) {
	n := 400
	if testing.Short() {
		n = 200
	}
	proctest.NoLeaks(t)
	dir := t.TempDir()
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			name := filepath.Join(dir, strconv.Itoa(i))
			for range n / 8 {
				if !assert.NoError(t, os.WriteFile(name, []byte("#!/bin/sh\nexit 0\n"), 0o755)) {
					return
				}
				assert.NoError(t, execx.Command(name).Run())
				os.Remove(name)
			}
		})
	}
	all.Wait()
}

func TestTextFileStaysBusy(t *testing.T) {
	proctest.NoLeaks(t)
	name := filepath.Join(t.TempDir(), "script")
	f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY, 0o755)
	require.NoError(t, err)
	t.Cleanup(func() { f.Close() })
	_, err = f.WriteString("#!/bin/sh\ncat\n")
	require.NoError(t, err)
	if err := exec.Command(name).Run(); !errors.Is(err, syscall.ETXTBSY) {
		t.Skip("a file that is open for writing can be executed")
	}
	compare(t, func(t *testing.T, command commander) error {
		_, r := command(t.Context(), name)
		return r.Run()
	})
	ctx, cancel := context.WithCancel(t.Context())
	c := execx.CommandContext(ctx, name)
	c.Env = []string{}
	failed := make(chan error, 1)
	go func() { failed <- c.Start() }()
	cancel()
	err, _ = proctest.Receive(t, failed)
	assert.ErrorIs(t, err, context.Canceled)

	// After any number of attempts, the pipes still work.
	c = execx.Command(name)
	stdin, err := c.StdinPipe()
	require.NoError(t, err)
	stdout, err := c.StdoutPipe()
	require.NoError(t, err)
	go func() { failed <- c.Start() }()
	proctest.Until(t, func() bool { return bytes.Contains(stacks(), []byte("execx.(*Cmd).pause")) }, "not busy")
	require.NoError(t, f.Close())
	err, _ = proctest.Receive(t, failed)
	require.NoError(t, err)
	_, err = io.WriteString(stdin, "in")
	require.NoError(t, err)
	require.NoError(t, stdin.Close())
	out, err := io.ReadAll(stdout)
	require.NoError(t, err)
	assert.Equal(t, "in", string(out))
	assert.NoError(t, c.Wait())
}

// What a child does to the null device affects neither the next child nor the parent.
func TestNullDeviceIsNotShared(t *testing.T) {
	proctest.NoLeaks(t)
	if _, err := exec.LookPath("flock"); err != nil {
		t.Skip(err)
	}
	lock := func() error {
		null, err := os.Open(os.DevNull)
		require.NoError(t, err)
		defer null.Close()
		return unix.Flock(int(null.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	}
	if err := lock(); err != nil {
		t.Skip("the null device can't be locked: ", err)
	}
	before := proctest.Descriptors()
	assert.NoError(t, execx.Command("sh", "-c", "flock -n 0").Run())
	assert.NoError(t, lock(), "it is locked by nobody")
	assert.LessOrEqual(t, proctest.Descriptors(), before)
}

// A parent without standard descriptors does not share them with the child.
func TestWithoutStandardDescriptors(t *testing.T) {
	if !proctest.Apart(t, nil) {
		return
	}
	c := cmdtest.Start(t, "sleep", "1000")
	c.WaitChan(t.Context())         // uses the descriptor that all waits share
	first, second, err := os.Pipe() // so does the runtime
	require.NoError(t, err)
	first.Close()
	second.Close()
	require.NoError(t, unix.Close(0))
	assert.NoError(t, execx.Command("true").Run())
	r, w, err := os.Pipe()
	require.NoError(t, err)
	assert.Zero(t, r.Fd(), "descriptor 0 is free")
	_, err = w.WriteString("secret")
	require.NoError(t, err)
	out, err := execx.Command("cat").Output()
	assert.NoError(t, err)
	assert.Empty(t, out)
	r.Close()
	w.Close()
}
