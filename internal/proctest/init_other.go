//go:build !linux

package proctest

func underInit() (code int, ran bool) { return 0, false }
