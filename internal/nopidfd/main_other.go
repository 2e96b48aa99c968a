//go:build !linux

package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "nopidfd: needs the seccomp of Linux")
	os.Exit(1)
}
