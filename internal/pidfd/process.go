package pidfd

import "os"

// A Process is an os.Process and its number, which [os.Process.Release] takes
// away from it.
type Process struct {
	OS  *os.Process
	Pid int
}

// Of returns p, which was not released, as a Process.
func Of(p *os.Process) Process { return Process{OS: p, Pid: p.Pid} }
