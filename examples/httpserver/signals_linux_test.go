package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/execx"
	"go.execx.dev/internal/proctest"
)

// The first signal lets requests finish, the second ends the tools, and the third terminates the
// program and with it a tool that ignores SIGTERM.
func TestSignals(t *testing.T) {
	bin := t.TempDir()
	begun := filepath.Join(bin, "begun")
	script := "#!/bin/sh\ntrap : TERM; touch " + begun + "; while :; do sleep 1; done"
	require.NoError(t, os.WriteFile(filepath.Join(bin, "sort"), []byte(script), 0o700))
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	p := start(t, "-drain", "1h", "-timeout", "1h", "-grace", "1h", "-debug", "127.0.0.1:0")
	debug, _, _ := strings.Cut(p.logged(t, "url="), "/debug/execx")
	requested := make(chan error, 1)
	go func() {
		_, err := p.request(t.Context(), "sort", nil)
		requested <- err
	}()
	type variables struct {
		Execx    execx.Stats
		Requests int
		Commands []command
	}
	var vars variables
	read := func() {
		vars = variables{}
		_, page := p.get(t, debug+"/debug/vars")
		require.NoError(t, json.Unmarshal([]byte(page), &vars))
	}
	proctest.Until(t, func() bool {
		read()
		_, err := os.Stat(begun)
		return err == nil && len(vars.Commands) == 1 && vars.Commands[0].Request != nil
	}, "the tool does not run")
	assert.Equal(t, execx.Stats{Started: 1}, vars.Execx)
	assert.Equal(t, 1, vars.Requests)
	tool := vars.Commands[0]
	assert.Equal(t, []string{filepath.Join(bin, "sort")}, tool.Args)
	assert.NotEmpty(t, tool.Age)
	assert.Equal(t, "/run/sort", tool.Request.Path)
	assert.Empty(t, tool.Request.Ending)

	require.NoError(t, p.Signal(syscall.SIGTERM))
	p.logged(t, `msg="shutting down" requests=1 drain=1h0m0s`)
	require.NoError(t, p.Signal(syscall.SIGINT))
	p.logged(t, `msg="ending the remaining requests" requests=1`)
	proctest.Until(t, func() bool {
		read()
		return vars.Commands[0].Request.Ending == errShutdown.Error()
	}, "the tool is still running")
	select {
	case <-requested:
		assert.Fail(t, "the tool has ended")
	default:
	}
	assert.False(t, proctest.Ended(tool.Pid))

	require.NoError(t, p.Signal(syscall.SIGTERM))
	assert.EqualError(t, p.Wait(), "signal: terminated")
	err, _ := proctest.Receive(t, requested)
	assert.Error(t, err)
	proctest.Until(t, func() bool { return proctest.Ended(tool.Pid) }, "the tool is still running")
}
