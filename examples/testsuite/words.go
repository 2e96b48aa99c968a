// Package testsuite shows how to test that a library that runs commands leaves no child process and
// no goroutine behind. The library of this example is small: it counts words, by running wc. The
// point of the example is its test suite:
//
//	go test ./examples/testsuite
//
// and the report that it prints about a test that leaks a child, and about one whose child leaks a
// child of its own:
//
//	go test ./examples/testsuite -leak
package testsuite

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"go.execx.dev/execx"
)

// Count returns the number of words in r. It runs wc, which is killed when ctx is done.
func Count(ctx context.Context, r io.Reader) (int, error) {
	c := execx.CommandContext(ctx, "wc", "-w")
	c.Stdin = r
	out, err := c.Output()
	if err != nil {
		return 0, fmt.Errorf("counting words: %w", err)
	}
	return strconv.Atoi(strings.TrimSpace(string(out)))
}

// A Counter counts the words written to it.
type Counter struct {
	cmd   *execx.Cmd
	stdin io.WriteCloser
	out   strings.Builder
}

// NewCounter returns a new Counter. The caller must close it.
func NewCounter() (*Counter, error) {
	c := &Counter{cmd: execx.Command("wc", "-w")}
	c.cmd.Stdout = &c.out
	var err error
	if c.stdin, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	return c, nil
}

// Write implements [io.Writer].
func (c *Counter) Write(b []byte) (int, error) {
	return c.stdin.Write(b)
}

// Sum returns the number of words written. After Sum, Write fails.
func (c *Counter) Sum() (int, error) {
	c.stdin.Close()
	if err := c.cmd.Wait(); err != nil {
		return 0, fmt.Errorf("counting words: %w", err)
	}
	return strconv.Atoi(strings.TrimSpace(c.out.String()))
}

// Close releases the resources of the counter and kills wc if it is still running. It can be called
// at any time.
func (c *Counter) Close() error {
	return c.cmd.Close()
}
