package main

import "time"

// A backoff says when to start a command again.
type backoff struct {
	first, max time.Duration
	stable     time.Duration
	random     func(n int64) int64 // in [0,n), as rand.Int64N
}

// delay returns how long to wait after the nth failure in a row, counted from 0: b.first, doubled n
// times but no longer than b.max, less up to half of it.
func (b *backoff) delay(n int) time.Duration {
	d := b.first
	for range n {
		if d > b.max/2 {
			d = b.max
			break
		}
		d *= 2
	}
	half := d / 2
	return d - half + time.Duration(b.random(int64(half)+1))
}
