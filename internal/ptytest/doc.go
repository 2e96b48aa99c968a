// Package ptytest tests commands that are started on a terminal by github.com/creack/pty. It is a
// module of its own to keep that dependency out of the main module.
package ptytest
