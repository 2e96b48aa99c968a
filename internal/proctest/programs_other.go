//go:build !windows

package proctest

// Killed is the error for a process that was killed.
const Killed = "signal: killed"

// play returns false: tests use the programs of the system.
func play() (code int, is bool) { return 0, false }

// offerPrograms does nothing.
func offerPrograms() (withdraw func()) { return func() {} }
