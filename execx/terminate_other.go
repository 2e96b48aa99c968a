//go:build !unix

package execx

import "os"

// terminate kills the process: there is no way to ask it to end.
func (p *child) terminate() error { return p.signal(os.Kill) }
