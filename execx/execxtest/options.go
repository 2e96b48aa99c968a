package execxtest

import "slices"

// An Option changes what a check finds, or what it does with the result.
type Option interface {
	apply(*options)
}

type options struct {
	filters   []func(process) bool
	kill      bool
	subreaper bool
}

type optionFunc func(*options)

func (f optionFunc) apply(o *options) { f(o) }

func build(opts []Option) options {
	o := options{subreaper: true}
	for _, option := range opts {
		option.apply(&o)
	}
	return o
}

func (o options) ignores(p process) bool {
	return slices.ContainsFunc(o.filters, func(ignored func(process) bool) bool { return ignored(p) })
}

func ignore(ignored func(process) bool) Option {
	return optionFunc(func(o *options) { o.filters = append(o.filters, ignored) })
}

// IgnorePid excludes the process with the given PID.
func IgnorePid(pid int) Option {
	return ignore(func(p process) bool { return p.pid == pid })
}

// IgnoreCommand excludes processes that run a program with the given name, without a directory. On
// Linux, only the first 15 bytes are compared, because the kernel truncates names to that length.
func IgnoreCommand(name string) Option {
	return ignore(func(p process) bool { return p.name == truncateName(name) })
}

// IgnoreCurrent excludes the children that exist when IgnoreCurrent is called.
func IgnoreCurrent() Option {
	current := children()
	return ignore(func(p process) bool {
		return slices.ContainsFunc(current, p.is)
	})
}

// Kill sets whether the processes found, and all their descendants, are killed after they have been
// reported. The default is false, except for [VerifyTestMain].
func Kill(kill bool) Option {
	return optionFunc(func(o *options) { o.kill = kill })
}

// Subreaper sets whether the test process is a subreaper while the tests run, so that processes
// left behind by children are found. The default is true, where possible; see the package
// documentation.
func Subreaper(enabled bool) Option {
	return optionFunc(func(o *options) { o.subreaper = enabled })
}
