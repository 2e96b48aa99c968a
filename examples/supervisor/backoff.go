package main

import "time"

// A backoff computes how long to wait before a command is restarted.
type backoff struct {
	first, max time.Duration
	stable     time.Duration
	random     func(n int64) int64 // returns a number in [0,n), like rand.Int64N
}

// delay returns how long to wait after the nth consecutive failure, counted from 0: b.first doubled
// n times, at most b.max, minus a random part of up to half of it.
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
