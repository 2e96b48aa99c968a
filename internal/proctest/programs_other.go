//go:build !windows

package proctest

// Killed is the error of a process that was killed.
const Killed = "signal: killed"

// play returns false: the programs that tests start are those of the system here.
func play() (code int, is bool) { return 0, false }

// offerPrograms does nothing.
func offerPrograms() (withdraw func()) { return func() {} }
