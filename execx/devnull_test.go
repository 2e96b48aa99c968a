package execx_test

import "testing"

// A nil Stdin is empty, and what a nil Stdout or Stderr is given goes nowhere.
func TestNil(t *testing.T) {
	compare(t, func(t *testing.T, command commander) error {
		_, c := command(nil, "sh", "-c", "cat; echo out; echo err >&2")
		return c.Run()
	})
}
