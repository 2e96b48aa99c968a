//go:build !linux

package execx

import "os/exec"

// startByThread starts the process of c. Nothing is to be called once it is
// reaped.
func startByThread(c *exec.Cmd) (onReaped func(), err error) {
	return nil, c.Start()
}
