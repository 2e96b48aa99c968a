package main

import (
	"strconv"
	"strings"
	"time"
	"unicode"
)

// A job is one command of a run.
type job struct {
	Run     string
	Index   int // of its line among those of the input that are not empty, from 0
	Args    []string
	Dir     string        // to run in; "" is that of the worker
	Timeout time.Duration // 0 for none
	Grace   time.Duration // between SIGTERM and SIGKILL
}

// A result is what has become of a job. There is only one of each job, however often that was run.
type result struct {
	Index   int
	Name    string // of the job
	Worker  string
	Error   string  // why the job has failed, or ""
	Attempt string  // names the chunks of output that were stored before
	Chunks  int     // how many these are
	Output  []piece // what came after them
}

// A piece is something that a command has written to one of its standard streams.
type piece struct {
	Stderr bool
	Data   []byte
}

// arguments returns the command for a line of the input.
func arguments(command []string, line string) []string {
	args := make([]string, len(command), len(command)+1)
	substituted := false
	for i, arg := range command {
		args[i] = strings.ReplaceAll(arg, "{}", line)
		substituted = substituted || strings.Contains(arg, "{}")
	}
	if !substituted {
		args = append(args, line)
	}
	return args
}

// displayed returns a command as messages show it: on one line, of bounded length, and
// without what a terminal would obey.
func displayed(args []string) string {
	words := make([]string, len(args))
	for i, arg := range args {
		words[i] = arg
		if strings.ContainsFunc(arg, func(r rune) bool { return !unicode.IsPrint(r) }) {
			words[i] = strconv.Quote(arg)
		}
	}
	name := strings.Join(words, " ")
	const edge = 250
	if len(name) > 2*edge {
		name = name[:edge] + "..." + name[len(name)-edge:]
	}
	return strings.ToValidUTF8(name, "")
}
