// Package rig is shared by the benchmarks and by the commands in bench/cmd: it contains the two
// packages to compare, the children to start, and the measurements.
package rig

import (
	"context"
	"os/exec"

	"go.execx.dev/execx"
)

// A Cmd is a *exec.Cmd or a *execx.Cmd.
type Cmd interface {
	Start() error
	Run() error
	Wait() error
	Output() ([]byte, error)
}

// A Package is an implementation of os/exec to compare.
type Package struct {
	Name string // as in the names of benchmarks

	// Command calls CommandContext, or Command if ctx is nil. It also returns the *exec.Cmd that
	// holds the fields of the Cmd.
	Command func(ctx context.Context, name string, arg ...string) (Cmd, *exec.Cmd)
}

// Live returns the number of execx commands that have not been reaped.
func Live() int { return len(execx.Live()) }

// Packages are the packages to compare.
var Packages = []Package{OS, Execx}

// OS is os/exec.
var OS = Package{"os", func(ctx context.Context, name string, arg ...string) (Cmd, *exec.Cmd) {
	var c *exec.Cmd
	if ctx == nil {
		c = exec.Command(name, arg...)
	} else {
		c = exec.CommandContext(ctx, name, arg...)
	}
	return c, c
}}

// Execx is execx.
var Execx = Package{"execx", func(ctx context.Context, name string, arg ...string) (Cmd, *exec.Cmd) {
	var c *execx.Cmd
	if ctx == nil {
		c = execx.Command(name, arg...)
	} else {
		c = execx.CommandContext(ctx, name, arg...)
	}
	return c, &c.Cmd
}}
