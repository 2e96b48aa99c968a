// Package foreign is what other modules do with commands.
package foreign

import (
	"io"
	"os/exec"
)

// Start starts c, as pty.Start does.
func Start(c *exec.Cmd, w io.Writer) error { return c.Start() }

// StartAll starts all of them.
func StartAll(cs ...*exec.Cmd) {}

// Transport runs a command, as that of mcp does.
type Transport struct {
	Name    string
	Command *exec.Cmd
}

// New returns a command that somebody else has made.
func New() *exec.Cmd { return exec.Command("true") }

// Two returns two values.
func Two() (*exec.Cmd, error) { return New(), nil }

// A Configurer dictates a signature.
type Configurer interface {
	Configure(c *exec.Cmd) error
}

// A Factory does, too.
type Factory interface {
	Make(name string) *exec.Cmd
}

// Register takes any Configurer.
func Register(c Configurer) {}

// Hook is a variable.
var Hook func(*exec.Cmd)

// Each calls f.
func Each(f func(c *exec.Cmd) *exec.Cmd) {}

// Queue is a channel.
var Queue = make(chan *exec.Cmd, 1)

// First is generic.
func First[T any](list []T) T { return list[0] }

// Closer has a Close.
type Closer struct{}

// Close does nothing.
func (Closer) Close() error { return nil }
