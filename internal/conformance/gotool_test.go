//go:build unix

package conformance

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// goos is the system that the tests of os/exec are built for. The go command finds what runs them
// if it is another one: see "go help run".
var goos = flag.String("goos", runtime.GOOS, "system for which the tests of os/exec are built")

// A goTool is the go command that builds and tests modules made by a test.
type goTool struct {
	GOROOT    string
	GOVERSION string
	GOMOD     string // of this module
	env       []string
}

// newGoTool finds the go command. The test is skipped if there is none.
func newGoTool(t *testing.T) *goTool {
	t.Helper()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip(err)
	}
	tool := new(goTool)
	out, err := exec.Command("go", "env", "-json", "GOROOT", "GOVERSION", "GOMOD").Output()
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(out, tool))
	// Offline: all that is required is in the module cache, or this test could not
	// have been built. With -trimpath, what was built for another temporary
	// directory is found in the build cache.
	tool.env = append(os.Environ(), "GOOS="+*goos, "GOWORK=off", "GOPROXY=off", "GOFLAGS=-mod=mod -trimpath",
		"GORACE=atexit_sleep_ms=0 "+os.Getenv("GORACE")) // else each program takes a second to end

	// A test of os/exec that looks for leaked descriptors skips itself if there are
	// any but the standard ones to begin with: those of the runtime, that holds
	// the CPU limit of a cgroup open, and those that this process was started with.
	tool.env = append(tool.env, "GODEBUG="+strings.TrimPrefix(os.Getenv("GODEBUG")+",containermaxprocs=0", ","))
	for fd := 3; fd <= 100; fd++ {
		syscall.CloseOnExec(fd)
	}
	return tool
}

// module makes a module that can import this one, and returns its directory.
func (tool *goTool) module(t *testing.T, path string) string {
	t.Helper()
	dir, root := t.TempDir(), filepath.Dir(tool.GOMOD)
	version, _, _ := strings.Cut(strings.TrimPrefix(tool.GOVERSION, "go"), " ")
	write(t, filepath.Join(dir, "go.mod"), fmt.Appendf(nil,
		"module %s\n\ngo %s\n\nrequire go.execx.dev v0.0.0\n\nreplace go.execx.dev => %s\n", path, version, root))
	sum, err := os.ReadFile(filepath.Join(root, "go.sum"))
	require.NoError(t, err)
	write(t, filepath.Join(dir, "go.sum"), sum)
	return dir
}

// command returns the go command with these arguments, to be run in dir.
func (tool *goTool) command(t *testing.T, dir string, arg ...string) *exec.Cmd {
	c := exec.CommandContext(t.Context(), "go", arg...)
	c.Dir = dir
	c.Env = append(tool.env, "PWD="+dir)
	return c
}

func write(t *testing.T, name string, content []byte) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o777))
	require.NoError(t, os.WriteFile(name, content, 0o666))
}
