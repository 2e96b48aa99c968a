// Package orphan provides a queue of child processes that no code waits for any longer. The code
// that pushes a child onto the queue reaps it and then removes it.
//
// The queue does not watch children: an orphan is watched like any other child, at the same cost.
package orphan
