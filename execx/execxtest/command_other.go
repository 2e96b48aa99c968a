//go:build !unix && !windows

package execxtest

import "go.execx.dev/execx"

// setGroup does nothing, since there are no process groups.
func setGroup(c *execx.Cmd) {}

// quit returns false, since there is no SIGQUIT.
func quit(c *execx.Cmd) (bool, error) { return false, nil }
