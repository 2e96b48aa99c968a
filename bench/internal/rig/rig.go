// Package rig is what the benchmarks and the programs beside them share: the two packages that are
// compared, the children that they start, and what is measured.
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

// A Package is one of those that are compared.
type Package struct {
	Name string // in the names of benchmarks

	// Command calls CommandContext, or Command if ctx is nil. The fields of the Cmd are those of
	// the *exec.Cmd that is returned with it.
	Command func(ctx context.Context, name string, arg ...string) (Cmd, *exec.Cmd)
}

// Live returns how many commands of execx have not been reaped.
func Live() int { return len(execx.Live()) }

// Packages are the packages that are compared.
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
