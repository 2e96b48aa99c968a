package execxtest

import "go.execx.dev/execx"

func setGroup(c *execx.Cmd) { c.ProcessGroup = true }

// quit returns false, since there is no SIGQUIT.
func quit(c *execx.Cmd) (bool, error) { return false, nil }
