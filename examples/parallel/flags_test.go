package main

import (
	"bytes"
	"math"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestLimits(t *testing.T) {
	cpus := runtime.GOMAXPROCS(0)
	for _, test := range []struct {
		text string
		want int
	}{
		{"2", 2}, {"0", math.MaxInt}, {"100%", cpus}, {"300%", 3 * cpus}, {"1%", 1}, {"0%", 1},
		{"+2", cpus + 2}, {"-1", max(1, cpus-1)}, {"-9999", 1}, {"+100%", 2 * cpus},
	} {
		var l limit
		assert.NoError(t, l.Set(test.text), test.text)
		assert.EqualValues(t, test.want, l, test.text)
	}
	for _, text := range []string{"", "x", "2x", "%", "1.5", "99999999999999999999"} {
		assert.Error(t, new(limit).Set(text), text)
	}
}

func TestSpans(t *testing.T) {
	for _, test := range []struct {
		text string
		want time.Duration
	}{
		{"10", 10 * time.Second}, {"1.5", 1500 * time.Millisecond}, {"1m30s", 90 * time.Second}, {"0", 0},
	} {
		var s span
		assert.NoError(t, s.Set(test.text), test.text)
		assert.EqualValues(t, test.want, s, test.text)
	}
	for _, text := range []string{"", "x", "-1", "-1s", "5d"} {
		assert.Error(t, new(span).Set(text), text)
	}
}

func TestHaltValues(t *testing.T) {
	for _, text := range []string{"never", "now,fail=1", "soon,fail=3", "now,success=1", "soon,done=10"} {
		var h halt
		assert.NoError(t, h.Set(text), text)
		assert.Equal(t, text, h.String())
	}
	for _, text := range []string{"", "now", "soon,fail", "now,fail=0", "now,fail=x", "later,fail=1", "now,crash=1"} {
		assert.Error(t, new(halt).Set(text), text)
	}
}

// The message about an error includes the line of the help that fits it.
func TestUsage(t *testing.T) {
	const help = "See parallel --help.\n"
	for _, test := range []struct {
		args []string
		want string
	}{
		{nil, "there is no command\nusage: parallel"},
		{[]string{"--"}, "there is no command\n"},
		{[]string{":::", "x"}, "there is no command\n"},
		{[]string{"-j", "x", "true"}, "invalid argument \"x\" for \"-j, --jobs\" flag: must be like 4, 50%, +1, -1 or 0\n  -j, --jobs N "},
		{[]string{"-j"}, "flag needs an argument: 'j' in -j\n  -j, --jobs N "},
		{[]string{"--timeout", "x", "true"}, "\n      --timeout TIME "},
		{[]string{"--halt", "x", "true"}, "\n      --halt WHEN "},
		{[]string{"--job-log", "x", "true"}, "unknown flag: --job-log\n      --joblog FILE "},
		{[]string{"--keep", "true"}, "unknown flag: --keep\n  -k, --keep-order "},
		{[]string{"-halt", "now,fail=1", "true"}, "\n      --halt WHEN "},
		{[]string{"-joblog", "x", "true"}, "\n      --joblog FILE "},
		{[]string{"-a", "x", "true"}, "in -a\nThe lines of a file: parallel ... <FILE\n"},
		{[]string{"--arg-file", "x", "true"}, "\nThe lines of a file: parallel ... <FILE\n"},
		{[]string{"--bar", "true"}, "\nProgress is shown if"},
		{[]string{"-n1", "true"}, "in -n1\nEach command has one line.\n"},
		{[]string{"--nothing-like-it", "true"}, "unknown flag: --nothing-like-it\n" + help},
		{[]string{"--\x1b[31m", "true"}, `unknown flag: --\x1b[31m` + "\n" + help},
		{[]string{"echo", ":::", "a", ":::", "b"}, "only one ::: is supported"},
		{[]string{"echo", "::::", "a"}, "only one ::: is supported, and no ::::\n"},
	} {
		var stdout, stderr bytes.Buffer
		_, code, exit := parse(test.args, &stdout, &stderr)
		assert.True(t, exit, test.args)
		assert.Equal(t, exitUsage, code, test.args)
		assert.Empty(t, stdout.String(), test.args)
		assert.Contains(t, stderr.String(), test.want, test.args)
		assert.Regexp(t, "(?s)^parallel: .*"+help+"$", stderr.String(), test.args)
	}
}

func TestHelp(t *testing.T) {
	for _, arg := range []string{"-h", "--help"} {
		var stdout, stderr bytes.Buffer
		_, code, exit := parse([]string{arg, "true"}, &stdout, &stderr)
		assert.True(t, exit)
		assert.Zero(t, code)
		assert.Empty(t, stderr.String())
		for _, want := range []string{"usage: parallel", "\nInput:\n", "\nJobs:\n", "\nStopping:\n", "\n  {/}"} {
			assert.Contains(t, stdout.String(), want)
		}
		assert.NotContains(t, stdout.String(), "true|false")
	}
}

func TestParse(t *testing.T) {
	for _, args := range [][]string{
		{"-j2", "-k", "echo", "-k"}, {"-kj2", "echo", "-k"}, {"-k", "-P", "2", "--", "echo", "-k"}, {"--jobs=2", "--keep-order", "echo", "-k"},
	} {
		o, _, exit := parse(args, nil, nil)
		assert.False(t, exit)
		assert.EqualValues(t, 2, o.jobs)
		assert.True(t, o.keepOrder)
		assert.Equal(t, []string{"echo", "-k"}, o.command)
		assert.False(t, o.isGiven)
	}
	o, _, _ := parse([]string{"echo", ":::"}, nil, nil)
	assert.True(t, o.isGiven)
	assert.Empty(t, o.given)
}
