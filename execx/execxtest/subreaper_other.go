//go:build !linux

package execxtest

// becomeSubreaper does nothing, since there are no subreapers.
func becomeSubreaper() (release func()) { return func() {} }
