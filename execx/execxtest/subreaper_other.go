//go:build !linux

package execxtest

// beSubreaper does nothing: there are no subreapers.
func becomeSubreaper() (release func()) { return func() {} }
