//go:build unix

package execx

import "syscall"

// terminate asks the process, or its group, to end.
func (p *child) terminate() {
	if p.signal(syscall.SIGTERM) == nil {
		p.signal(syscall.SIGCONT)
	}
}
