//go:build !linux

package main

import (
	"fmt"
	"os"
)

func catch() <-chan os.Signal { return nil }

func run(<-chan os.Signal, options) int {
	fmt.Fprintln(os.Stderr, "init: needs Linux")
	return 1
}
