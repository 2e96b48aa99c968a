package execxtest

import "slices"

// An Option changes what is found, or what is done about it.
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

// IgnorePid has the process with that number ignored.
func IgnorePid(pid int) Option {
	return ignore(func(p process) bool { return p.pid == pid })
}

// IgnoreCommand has the processes ignored that run a program of that name, without
// any directory. On Linux it is compared with the name that the kernel has for the
// process, of which it keeps 15 bytes.
func IgnoreCommand(name string) Option {
	return ignore(func(p process) bool { return p.name == truncateName(name) })
}

// IgnoreCurrent has the children ignored that exist when IgnoreCurrent is called.
func IgnoreCurrent() Option {
	current := children()
	return ignore(func(p process) bool {
		return slices.ContainsFunc(current, p.is)
	})
}

// Kill says whether what was found is killed after it was reported, with all that it
// has started. It is not by default, except by [VerifyTestMain].
func Kill(kill bool) Option {
	return optionFunc(func(o *options) { o.kill = kill })
}

// Subreaper says whether this process is a subreaper while the tests run, so that what
// children leave behind is found. It is by default, where that is possible: see the package
// documentation.
func Subreaper(is bool) Option {
	return optionFunc(func(o *options) { o.subreaper = is })
}
