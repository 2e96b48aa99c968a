//go:build unix

package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

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
