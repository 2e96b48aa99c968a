package execxtest

import "slices"

// An Option has some children ignored.
type Option func(process) bool

// IgnorePid has the process with that number ignored.
func IgnorePid(pid int) Option {
	return func(p process) bool { return p.pid == pid }
}

// IgnoreCommand has the processes ignored that run a program of that name, without
// any directory. On Linux it is compared with the name that the kernel has for the
// process, of which it keeps 15 bytes.
func IgnoreCommand(name string) Option {
	return func(p process) bool { return p.name == truncated(name) }
}

// IgnoreCurrent has the children ignored that exist when IgnoreCurrent is called.
func IgnoreCurrent() Option {
	current := children()
	return func(p process) bool {
		return slices.ContainsFunc(current, func(other process) bool {
			return other.pid == p.pid && other.started == p.started
		})
	}
}
