//go:build unix

package main

import (
	"bytes"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/creack/pty"
)

// On a terminal, execxfix shows its progress, and clears it before it prints anything else.
func TestProgress(t *testing.T) {
	user, tty, err := pty.Open()
	if errors.Is(err, pty.ErrUnsupported) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer user.Close()
	shown := make(chan string)
	go func() {
		out, _ := io.ReadAll(user) // until tty is closed, which is an error on Linux
		shown <- string(out)
	}()
	dir, _ := newProgram(t)
	var out bytes.Buffer
	status := run(dir, []string{"-n"}, &out, tty)
	write(t, filepath.Join(dir, "go.mod"), []byte("module fix.test\n\ngo 1.26.0\n"))
	fails := run(dir, []string{"-n"}, &out, tty)
	tty.Close()
	if status != 0 || fails != 2 {
		t.Errorf("status %d and %d, want 0 and 2", status, fails)
	}
	const clear = "\r\x1b[K"
	want := clear + "loading packages for linux/amd64 with cgo (1 of 3)" +
		clear + "loading packages for windows/amd64 (2 of 3)" +
		clear + "loading packages for darwin/arm64 (3 of 3)" + clear +
		clear + "loading packages for linux/amd64 with cgo (1 of 3)" + clear +
		"execxfix: the module does not require execx: run go get go.execx.dev/execx\r\n"
	if got := <-shown; got != want {
		t.Errorf("showed\n%q\nwant\n%q", got, want)
	}
	if strings.Contains(out.String(), "loading") {
		t.Errorf("printed %s", &out)
	}
}
