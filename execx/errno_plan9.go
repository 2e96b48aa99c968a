package execx

// errBrokenPipe reports whether err is that of writing to a pipe nobody reads.
func errBrokenPipe(err error) bool {
	return err.Error() == "i/o on hungup channel"
}

// isTextBusy reports whether err is that of executing a file that is open for writing, which
// is not told from others here.
func isTextBusy(err error) bool { return false }
