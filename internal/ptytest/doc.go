// Package ptytest tests commands that github.com/creack/pty starts on a terminal of
// their own. It is a module of its own, so that the main one does not depend on
// that.
package ptytest
