// Package testsuite shows how a library that runs commands is tested so that it leaves no child
// process behind and no goroutine. The library is a small one: it counts words. What is to be
// looked at is the test suite:
//
//	go test ./examples/testsuite
//
// and what it says of a test that forgets a child, and of one whose child forgets its own:
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

// Count returns the number of words that r has. It runs wc, which is killed when ctx is done.
func Count(ctx context.Context, r io.Reader) (int, error) {
	c := execx.CommandContext(ctx, "wc", "-w")
	c.Stdin = r
	out, err := c.Output()
	if err != nil {
		return 0, fmt.Errorf("counting words: %w", err)
	}
	return strconv.Atoi(strings.TrimSpace(string(out)))
}

// A Counter counts the words of all that is written to it.
type Counter struct {
	cmd   *execx.Cmd
	stdin io.WriteCloser
	out   strings.Builder
}

// NewCounter returns a counter. It is to be closed.
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

// Sum returns the number of words written. Nothing can be written after that.
func (c *Counter) Sum() (int, error) {
	c.stdin.Close()
	if err := c.cmd.Wait(); err != nil {
		return 0, fmt.Errorf("counting words: %w", err)
	}
	return strconv.Atoi(strings.TrimSpace(c.out.String()))
}

// Close gives the counter up. It can be called at any time.
func (c *Counter) Close() error {
	return c.cmd.Close()
}
