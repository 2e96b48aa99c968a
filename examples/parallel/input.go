package main

import (
	"bufio"
	"io"
	"strings"
)

// input holds the lines of the standard input.
type input struct {
	lines chan string // closed at the end
	err   error       // the read error, valid once lines is closed
}

// readLines starts reading r, whose lines end with end, in a goroutine that stops when quit is
// closed. A Read that blocks cannot be interrupted; then the goroutine is left behind.
func readLines(r io.Reader, end byte, quit <-chan struct{}) *input {
	in := &input{lines: make(chan string)}
	go func() {
		defer close(in.lines)
		for br := bufio.NewReader(r); ; {
			line, err := br.ReadString(end)
			if err != nil && err != io.EOF {
				in.err = err // line may be incomplete: drop it
				return
			}
			if line = strings.TrimSuffix(line, string(end)); line != "" {
				select {
				case in.lines <- line:
				case <-quit:
					return
				}
			}
			if err == io.EOF {
				return
			}
		}
	}()
	return in
}
