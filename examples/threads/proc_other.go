//go:build !windows

package main

import (
	"fmt"
	"os"
	"strings"
)

// threads returns how many threads this process has, or nil if the system does not tell.
func threads() *int { return proc("self/status", "Threads") }

// proc returns the number in a line "key: number" of a file in /proc, or nil if there is none.
func proc(file, key string) *int {
	data, err := os.ReadFile("/proc/" + file)
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(data)) {
		value, ok := strings.CutPrefix(line, key+":")
		n := new(int)
		if _, err := fmt.Sscan(value, n); ok && err == nil {
			return n
		}
	}
	return nil
}
