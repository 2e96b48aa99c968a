//go:build unix

package main

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestNull(t *testing.T) {
	code, stdout, stderr := parallel(t, "a\nb\x00 c \x00\x00d", "-0", "-k", "printf", "<%s>")
	assert.Zero(t, code)
	assert.Equal(t, "<a\nb>< c ><d>", stdout)
	assert.Empty(t, stderr)
}

// With :::, the standard input is not read.
func TestGiven(t *testing.T) {
	c := begin(iotest.ErrReader(errors.New("is read")), "-k", "printf", "<%s>", ":::", "a", "", "b\nc")
	assert.Zero(t, c.wait(t))
	assert.Equal(t, "<a><><b\nc>", c.stdout.String())
	assert.Empty(t, c.stderr.String())

	code, stdout, _ := parallel(t, "x\n", "echo", ":::")
	assert.Zero(t, code)
	assert.Empty(t, stdout)
}

func TestHalt(t *testing.T) {
	for _, test := range []struct {
		halt, given string
		code        int
		ran         string
	}{
		{"never", "3 0 4", exitFailed, "3 0 4"},
		{"soon,fail=1", "0 7 8", 7, "0 7"},
		{"now,fail=1", "0 7 8", 7, "0 7"},
		{"soon,fail=2", "0 7 8 0", 8, "0 7 8"},
		{"now,success=1", "7 0 8", 0, "7 0"},
		{"soon,done=2", "7 8 9", 8, "7 8"},
		{"soon,done=9", "0 0", 0, "0 0"},
	} {
		args := append([]string{"-j1", "--halt", test.halt, "sh", "-c", "echo $0; exit $0", ":::"}, strings.Fields(test.given)...)
		code, stdout, _ := parallel(t, "", args...)
		assert.Equal(t, test.code, code, test)
		assert.Equal(t, strings.Fields(test.ran), strings.Fields(stdout), test)
	}
}

// When a command fails, the others finish or are ended, and no more are started.
func TestHaltOfOthers(t *testing.T) {
	const text = `case $1 in 1) >run; read line <gate; echo survived;; 2) while [ ! -e run ]; do :; done; exit 3;; *) echo started; esac`
	for _, keep := range []string{"-k", "-k=false"} {
		t.Run("now "+keep, func(t *testing.T) {
			dir := t.TempDir()
			newGate(t, dir)
			args := append([]string{keep, "-j2", "--halt", "now,fail=1"}, script(dir, text)...)
			code, stdout, stderr := parallel(t, lines(9), args...)
			assert.Equal(t, 3, code)
			assert.Empty(t, stdout)
			assert.Contains(t, stderr, " 2: exit status 3\n")
			assert.Contains(t, stderr, "parallel: --halt now,fail=1: ending 1 still running\n")
			assert.Contains(t, stderr, " 1: signal: terminated\n")
		})
		t.Run("soon "+keep, func(t *testing.T) {
			dir := t.TempDir()
			gate := newGate(t, dir)
			c := begin(strings.NewReader(lines(9)), append([]string{keep, "-j2", "--halt", "soon,fail=1"}, script(dir, text)...)...)
			c.stderr.Await(t, 1, "parallel: --halt soon,fail=1: starting no more; 1 still running\n")
			gate.open(t, 1)
			assert.Equal(t, 3, c.wait(t))
			assert.Equal(t, "survived\n", c.stdout.String())
		})
	}
}

func TestTimeout(t *testing.T) {
	for _, test := range []struct{ script, want string }{
		{"exec sleep 1000", "timed out after 100ms: signal: terminated"},
		{"sleep 1000 & wait", "timed out after 100ms: signal: terminated"},
		{`trap "" TERM; exec sleep 1000`, "timed out after 100ms: signal: killed"},
		{`trap "exit 4" TERM; while :; do sleep 0.01; done`, "timed out after 100ms: exit status 4"},
		{`trap "exit 0" TERM; while :; do sleep 0.01; done`, "timed out after 100ms"},
	} {
		code, _, stderr := parallel(t, "", "--timeout", "0.1", "sh", "-c", test.script, ":::", "x")
		assert.Equal(t, exitFailed, code)
		assert.Contains(t, stderr, "parallel: sh -c "+quote(test.script)+" x: "+test.want+"\n")
	}
	code, stdout, stderr := parallel(t, "x\n", "--timeout", "1h", "echo")
	assert.Zero(t, code)
	assert.Equal(t, "x\n", stdout)
	assert.Empty(t, stderr)
}

// The log is like that of GNU parallel, except that the command is quoted.
func TestJoblog(t *testing.T) {
	file := filepath.Join(t.TempDir(), "log")
	parallel(t, "", "-j1", "--joblog", file, "--timeout", "1h", "sh", "-c", `echo $0; kill -s $0 $$; exit 3`, ":::", "KILL", "a\nb", "0")
	parallel(t, "", "-j1", "--joblog", file+"2", "./no/such", ":::", "x")
	parallel(t, "", "-j1", "--joblog", file+"3", "--timeout", "0.1", "sleep", ":::", "1000")
	const times = `\t:\t[0-9]{10}\.[0-9]{3}\t +[0-9]+\.[0-9]{3}\t0\t`
	const header = "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n"
	for name, want := range map[string]string{
		file: `1` + times + `5\t0\t9\t` + regexp.QuoteMeta(`sh -c 'echo $0; kill -s $0 $$; exit 3' KILL`) + `\n` +
			`2` + times + `4\t3\t0\t.* ` + regexp.QuoteMeta(`$'a\nb'`) + `\n` +
			`3` + times + `2\t3\t0\t.* 0\n`,
		file + "2": `1` + times + `0\t127\t0\t./no/such x\n`,
		file + "3": `1` + times + `0\t-1\t15\tsleep 1000\n`,
	} {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		assert.Regexp(t, "^"+header+want+"$", string(text))
	}

	code, _, stderr := parallel(t, "x\n", "--joblog", t.TempDir(), "echo")
	assert.Equal(t, exitFailed, code)
	assert.Regexp(t, "^parallel: --joblog: .*\n$", stderr)
}

// Messages contain no control characters, which could affect the terminal.
func TestControlCharacters(t *testing.T) {
	code, _, stderr := parallel(t, "a\x1b[31mb\n", "false")
	assert.Equal(t, exitFailed, code)
	assert.Equal(t, `parallel: false $'a\x1b[31mb': exit status 1`+"\n", stderr)

	_, _, stderr = parallel(t, "./\x1b[31m\n", "{}")
	assert.Equal(t, `parallel: $'./\x1b[31m': fork/exec ./\x1b[31m: no such file or directory`+"\n", stderr)
}
