//go:build unix

package execx

import "syscall"

// terminate asks the process, or its group, to end.
func (p *child) terminate() error {
	err := p.signal(syscall.SIGTERM)
	if err == nil {
		p.signal(syscall.SIGCONT)
	}
	return err
}
