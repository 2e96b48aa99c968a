package testsuite

import (
	"bytes"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/internal/proctest"
)

// A test suite that leaks fails although each of its tests passes, and prints what the README
// shows.
func TestReadme(t *testing.T) {
	if *leak {
		t.Skip("this is the leaking run")
	}
	proctest.NeedsPidfd(t)
	self, err := os.Executable()
	require.NoError(t, err)
	c := exec.Command(self, "-test.run=^TestLeak", "-leak")
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	var exitErr *exec.ExitError
	require.ErrorAs(t, c.Run(), &exitErr)
	assert.Equal(t, 1, exitErr.ExitCode())

	readme, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	_, section, _ := strings.Cut(string(readme), "\n## Find the child that a test forgot\n")
	_, block, found := strings.Cut(section, "\n    PASS\n")
	require.True(t, found)
	shown := "PASS\n"
	for line := range strings.Lines(block) {
		text, indented := strings.CutPrefix(line, "    ")
		if !indented {
			break
		}
		shown += text
	}
	assert.Equal(t, anonymous(shown), anonymous(out.String()))
}

// anonymous replaces what differs from run to run in text.
func anonymous(text string) string {
	for _, varying := range []struct{ pattern, replacement string }{
		{`\bpid \d+`, "pid N"},
		{`\b[0-9.]+m?s old`, "0s old"},
		{`(?m)^(\t+)\S*/([^/]+)$`, "$1.../$2"},
	} {
		text = regexp.MustCompile(varying.pattern).ReplaceAllString(text, varying.replacement)
	}
	return text
}
