//go:build !linux

package main

import "os"

// isTerminal reports whether w is a terminal, or another character device: the
// standard library can't tell them apart. The exception is the one that is common
// as standard error.
func isTerminal(w any) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull)
	return err != nil || !os.SameFile(info, null)
}
