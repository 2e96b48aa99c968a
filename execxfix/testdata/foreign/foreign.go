// Package foreign stands for another module that uses commands.
package foreign

import (
	"io"
	"os/exec"
)

// Start starts c, as pty.Start does.
func Start(c *exec.Cmd, w io.Writer) error { return c.Start() }

// StartAll starts all commands.
func StartAll(cs ...*exec.Cmd) {}

// A Transport runs a command.
type Transport struct {
	Name    string
	Command *exec.Cmd
}

// New returns a command.
func New() *exec.Cmd { return exec.Command("true") }

// Two returns a command and an error.
func Two() (*exec.Cmd, error) { return New(), nil }

// A Configurer dictates a signature.
type Configurer interface {
	Configure(c *exec.Cmd) error
}

// A Factory dictates another signature.
type Factory interface {
	Make(name string) *exec.Cmd
}

// Register accepts any Configurer.
func Register(c Configurer) {}

// Hook is a function variable.
var Hook func(*exec.Cmd)

// Each calls f.
func Each(f func(c *exec.Cmd) *exec.Cmd) {}

// Queue is a channel.
var Queue = make(chan *exec.Cmd, 1)

// First is generic.
func First[T any](list []T) T { return list[0] }

// A Closer has a Close method.
type Closer struct{}

// Close does nothing.
func (Closer) Close() error { return nil }
