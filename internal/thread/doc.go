// Package thread tells whether the Go runtime can have one more thread.
package thread
