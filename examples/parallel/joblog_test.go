//go:build unix

package main

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The log is like that of GNU parallel, except that the command is quoted.
func TestJoblog(t *testing.T) {
	file := filepath.Join(t.TempDir(), "log")
	parallel(t, "", "-j1", "--joblog", file, "--timeout", "1h", "sh", "-c", `echo $0; kill -s $0 $$; exit 3`, ":::", "KILL", "a\nb", "0")
	parallel(t, "", "-j1", "--joblog", file+"2", "./no/such", ":::", "x")
	parallel(t, "", "-j1", "--joblog", file+"3", "--timeout", "0.1", "sleep", ":::", "1000")
	const times = `\t:\t[0-9]{10}\.[0-9]{3}\t +[0-9]+\.[0-9]{3}\t0\t`
	const header = "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n"
	for _, test := range []struct{ file, want string }{
		{file, `1` + times + `5\t0\t9\t` + regexp.QuoteMeta(`sh -c 'echo $0; kill -s $0 $$; exit 3' KILL`) + `\n` +
			`2` + times + `4\t3\t0\t.* ` + regexp.QuoteMeta(`$'a\nb'`) + `\n` +
			`3` + times + `2\t3\t0\t.* 0\n`},
		{file + "2", `1` + times + `0\t127\t0\t./no/such x\n`},
		{file + "3", `1` + times + `0\t-1\t15\tsleep 1000\n`},
	} {
		text, err := os.ReadFile(test.file)
		require.NoError(t, err)
		assert.Regexp(t, "^"+header+test.want+"$", string(text))
	}

	code, _, stderr := parallel(t, "x\n", "--joblog", t.TempDir(), "echo")
	assert.Equal(t, exitFailed, code)
	assert.Regexp(t, "^parallel: --joblog: .*\n$", stderr)
}
