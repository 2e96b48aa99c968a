//go:build !linux

package execx

import "os/exec"

// startProcess starts the process of c. Nothing is to be called once it is
// reaped.
func startProcess(c *exec.Cmd) (onReaped func(), err error) {
	return nil, c.Start()
}
