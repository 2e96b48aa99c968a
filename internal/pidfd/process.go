package pidfd

import "os"

// Of returns p, which was not released, as a Process.
func Of(p *os.Process) Process { return Process{OS: p, Pid: p.Pid} }
