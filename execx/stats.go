package execx

import "sync/atomic"

// Stats counts what has become of commands since the program started. The
// counts include commands that were started through the embedded exec.Cmd from when
// one of the methods of this package is called for them, but never as Started.
type Stats struct {
	Started       uint64 // commands started by Cmd.Start
	Reaped        uint64 // commands whose end was learnt of, by any way, Stolen included
	Killed        uint64 // times that SIGKILL was sent, to a process or to a group
	Orphaned      uint64 // commands given up before they were reaped, Leaked included
	Stolen        uint64 // commands that another part of the program has reaped, through Process.Wait for instance
	Leaked        uint64 // commands that the garbage collector found, with their Process, before anything had reaped or closed them
	FallbackWaits uint64 // waits that took a goroutine of their own, blocked in Process.Wait
}

var stats struct {
	started, reaped, killed, orphaned, stolen, leaked, fallbackWaits atomic.Uint64
}

// ReadStats returns the counts as they are now. Each is exact, but they are not
// read at the same instant. It can be called at any time, and costs a few
// nanoseconds. To publish them:
//
//	expvar.Publish("execx", expvar.Func(func() any { return execx.ReadStats() }))
func ReadStats() Stats {
	return Stats{
		Started:       stats.started.Load(),
		Reaped:        stats.reaped.Load(),
		Killed:        stats.killed.Load(),
		Orphaned:      stats.orphaned.Load(),
		Stolen:        stats.stolen.Load(),
		Leaked:        stats.leaked.Load(),
		FallbackWaits: stats.fallbackWaits.Load(),
	}
}
