// Package orphan reaps child processes that nobody waits for any longer.
//
// An orphan costs what is needed to learn of its end, and nothing more: the pidfd
// that [os.Process] holds anyway, in the set of internal/pidfd. There is no
// goroutine and no thread per orphan, and no scan over all of them when one ends.
// Where that is not to be had, an orphan is waited for by a goroutine of its own.
package orphan
