//go:build !linux && !windows

package execx

// startAttempt starts the process.
func (l *launch) startAttempt(c *Cmd) error { return l.attempt.Start() }
