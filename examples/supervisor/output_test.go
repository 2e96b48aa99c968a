//go:build unix

package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestOutput(t *testing.T) {
	c := begin(t, `
		a:   sh -c "echo out; echo err >&2; exec sleep 600"
		abc: sh -c "echo; echo 2; exec sleep 600"
	`)
	c.stdout.await(t, 1, "a   | err\n")
	c.stdout.await(t, 1, "abc | 2\n")
	c.interrupt()
	assert.Zero(t, c.wait(t))
	of := func(prefix string) (lines []string) { // those of the two commands may alternate
		for line := range strings.Lines(c.stdout.String()) {
			if strings.HasPrefix(line, prefix) {
				lines = append(lines, line)
			}
		}
		return lines
	}
	assert.Equal(t, []string{"a   | out\n", "a   | err\n"}, of("a "))
	assert.Equal(t, []string{"abc | \n", "abc | 2\n"}, of("abc "))
}

// The part of a line that one process has written is not that of the next.
func TestPartOfALine(t *testing.T) {
	c := begin(t, `a: printf x`)
	c.stdout.await(t, 5, "a | x\n")
	c.interrupt()
	assert.Zero(t, c.wait(t))
	assert.NotContains(t, c.stdout.String(), "xa")
}

// Nobody reads the output, or it can't be written: the commands go on.
func TestOutputLost(t *testing.T) {
	blocked := make(chan struct{})
	for name, w := range map[string]writerFunc{
		"blocked": func(b []byte) (int, error) { <-blocked; return len(b), nil },
		"broken":  func([]byte) (int, error) { return 0, errors.New("broken") },
	} {
		t.Run(name, func(t *testing.T) {
			c := newCall()
			c.begin(t, w, &c.stderr, "a: echo x")
			c.stderr.await(t, 5, "a: exit status 0")
			c.interrupt()
			assert.Zero(t, c.wait(t))
		})
	}
	close(blocked)
}

func TestRaw(t *testing.T) {
	c := begin(t, `a: sh -c "echo out; echo err >&2"`, "-raw")
	c.stdout.await(t, 2, "out\n")
	c.stderr.await(t, 2, "err\n")
	c.interrupt()
	assert.Zero(t, c.wait(t))
	assert.NotContains(t, c.stdout.String(), "|")
}
