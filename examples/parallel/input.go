package main

import (
	"bufio"
	"io"
	"strings"
)

// input is the lines of the standard input.
type input struct {
	lines chan string // closed at the end
	err   error       // why that came early, once lines is closed
}

// readLines begins to read r, whose lines end with end, until quit is closed. A Read that blocks
// can't be helped: it is left behind.
func readLines(r io.Reader, end byte, quit <-chan struct{}) *input {
	in := &input{lines: make(chan string)}
	go func() {
		defer close(in.lines)
		for br := bufio.NewReader(r); ; {
			line, err := br.ReadString(end)
			if err != nil && err != io.EOF {
				in.err = err // and line may be but a part of one
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
