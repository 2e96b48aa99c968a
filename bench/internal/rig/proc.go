package rig

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"
)

// CPU returns the CPU time of this process, without that of its children.
func CPU() time.Duration { return cpu(syscall.RUSAGE_SELF) }

// ChildCPU returns the CPU time of the children that have been waited for.
func ChildCPU() time.Duration { return cpu(syscall.RUSAGE_CHILDREN) }

func cpu(who int) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(who, &usage); err != nil {
		panic(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// Status returns the number after key in /proc/self/status, or 0 if there is none. Memory is in
// KiB.
func Status(key string) int {
	data, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	n := 0
	for line := range strings.Lines(string(data)) {
		if value, ok := strings.CutPrefix(line, key+":"); ok {
			fmt.Sscan(value, &n)
		}
	}
	return n
}
