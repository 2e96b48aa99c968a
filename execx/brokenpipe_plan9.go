package execx

// errBrokenPipe reports whether err is that of writing to a pipe nobody reads.
func errBrokenPipe(err error) bool {
	return err.Error() == "i/o on hungup channel"
}
