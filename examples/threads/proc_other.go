//go:build !windows

package main

import (
	"fmt"
	"os"
	"strings"
)

// threads returns the number of threads of this process, or nil if it is unknown.
func threads() *int { return proc("self/status", "Threads") }

// proc returns the number in the line "key: number" of a file in /proc, or nil if there is none.
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
