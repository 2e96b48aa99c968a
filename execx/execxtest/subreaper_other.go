//go:build !linux

package execxtest

// beSubreaper does nothing: there are no subreapers.
func beSubreaper() (release func()) { return func() {} }
