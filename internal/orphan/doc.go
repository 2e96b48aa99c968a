// Package orphan has the queue of the child processes that nobody waits for any
// longer. Whoever pushes a child reaps it, and removes it then.
//
// It knows nothing of how a child is watched: an orphan is watched as any other child
// is, and costs no more.
package orphan
