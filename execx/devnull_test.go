package execx_test

import "testing"

// A nil Stdin is empty, and data written to a nil Stdout or Stderr is discarded.
func TestNil(t *testing.T) {
	compare(t, func(t *testing.T, command commander) error {
		_, c := command(nil, "sh", "-c", "cat; echo out; echo err >&2")
		return c.Run()
	})
}
