package main

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// A job is one command of a run.
type job struct {
	Run     string
	Index   int // of its line among those of the input that are not empty, from 0
	Args    command
	Dir     []byte        // to run in; "" is that of the worker
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

// A command is the program and its arguments. They need not be UTF-8, so JSON has them as bytes.
type command []string

func (c command) MarshalJSON() ([]byte, error) {
	words := make([][]byte, len(c))
	for i, word := range c {
		words[i] = []byte(word)
	}
	return json.Marshal(words)
}

func (c *command) UnmarshalJSON(b []byte) error {
	var words [][]byte
	err := json.Unmarshal(b, &words)
	*c = make(command, len(words))
	for i, word := range words {
		(*c)[i] = string(word)
	}
	return err
}

// with returns the command for a line of the input.
func (c command) with(line string) command {
	args := make(command, len(c), len(c)+1)
	substituted := false
	for i, arg := range c {
		args[i] = strings.ReplaceAll(arg, "{}", line)
		substituted = substituted || strings.Contains(arg, "{}")
	}
	if !substituted {
		args = append(args, line)
	}
	return args
}

// String returns the command as messages show it, on one line of bounded length.
func (c command) String() string {
	words := make([]string, len(c))
	for i, word := range c {
		words[i] = printable(word)
	}
	name := strings.Join(words, " ")
	const edge = 250
	if len(name) > 2*edge {
		name = strings.ToValidUTF8(name[:edge]+"..."+name[len(name)-edge:], "")
	}
	return name
}

// printable returns s, quoted if a terminal would obey what is in it.
func printable(s string) string {
	if utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return s
	}
	return strconv.Quote(s)
}
