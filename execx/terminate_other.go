//go:build !unix && !windows

package execx

import "os"

// terminate kills the process: there is no way to ask it to end. Windows refuses that for one that
// has ended, which is not told from others.
func (p *child) terminate() error {
	if err := p.signal(os.Kill); err == os.ErrProcessDone {
		return err
	}
	return nil
}
