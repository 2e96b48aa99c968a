package main

import (
	"bytes"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"go.uber.org/goleak"

	"go.execx.dev/internal/proctest"
)

func TestMain(m *testing.M) {
	if os.Getenv(asMain) != "" {
		main()
	}
	if where := os.Getenv(asServer); where != "" {
		serve(where)
		return
	}
	goleak.VerifyTestMain(proctest.Checked(m))
}

func TestUsage(t *testing.T) {
	for _, args := range []string{"", "walk", "run", "run -x true", "worker x", "worker -j 0", "status x", "cancel", "run -resume x true"} {
		var stdout, stderr bytes.Buffer
		assert.Equal(t, exitUsage, run(nil, strings.Fields(args), nil, &stdout, &stderr), args)
		assert.Empty(t, stdout.String(), args)
		assert.Contains(t, stderr.String(), "sage", args)
	}
	var stderr bytes.Buffer
	assert.Zero(t, run(nil, []string{"-h"}, nil, io.Discard, &stderr))
	assert.Equal(t, usage, stderr.String())
}

func TestArguments(t *testing.T) {
	assert.Equal(t, command{"a", "x y", "-x y-x y"}, command{"a", "{}", "-{}-{}"}.with("x y"))
	assert.Equal(t, command{"a", "{}"}, command{"a"}.with("{}"))
	assert.Equal(t, `a "\x1b[2J\n" "\xff" b`, command{"a", "\x1b[2J\n", "\xff", "b"}.String())
}
