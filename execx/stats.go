package execx

import "sync/atomic"

// Stats holds counts since the start of the program. A command that was started through the
// embedded exec.Cmd is counted from the first call to a method of this package on, but never as
// Started.
type Stats struct {
	Started       uint64 // commands started by Cmd.Start
	Reaped        uint64 // commands whose process was reaped, Stolen included
	Killed        uint64 // times that SIGKILL was sent to a process or a group
	Orphaned      uint64 // commands given up before they were reaped, Leaked included
	Stolen        uint64 // commands reaped by another part of the program, for example by Process.Wait
	Leaked        uint64 // commands that became unreachable, with their Process, before they were reaped or closed
	FallbackWaits uint64 // waits that needed a goroutine blocked in Process.Wait
}

var stats struct {
	started, reaped, killed, orphaned, stolen, leaked, fallbackWaits atomic.Uint64
}

// ReadStats returns the current counts. Each is exact, but they are not read at the same instant.
// It is safe for concurrent use and does not block. To publish the counts:
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
