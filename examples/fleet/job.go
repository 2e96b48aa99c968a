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
	Index   int // index of its line among the nonempty lines of the input
	Args    command
	Dir     []byte        // working directory; "" means that of the worker
	Timeout time.Duration // 0 for none
	Grace   time.Duration // between SIGTERM and SIGKILL
}

// A result is the result of a job. A job has a single result even if it runs more than once.
type result struct {
	Index   int
	Name    string // the command of the job, for messages
	Worker  string
	Error   string  // why the job failed, or ""
	Attempt string  // part of the subjects of the stored chunks of output
	Chunks  int     // number of stored chunks
	Output  []piece // the output after the stored chunks
}

// A piece is output that a command wrote to its standard output or standard error.
type piece struct {
	Stderr bool
	Data   []byte
}

// A command is a program and its arguments. They need not be valid UTF-8, so JSON encodes them as
// bytes.
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

// String returns the command for messages, on one line of bounded length.
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

// printable returns s, quoted if it contains unprintable characters, which could control the
// terminal.
func printable(s string) string {
	if utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return s
	}
	return strconv.Quote(s)
}
