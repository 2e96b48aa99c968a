// Package thread checks whether the Go runtime can start another thread.
package thread
