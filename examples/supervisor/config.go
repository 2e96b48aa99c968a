package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// A command is one line of the configuration file.
type command struct {
	name string
	args []string // args[0] is the program
}

// load reads the commands from a file. The error may have several lines.
func load(file string) ([]command, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("supervisor: %w", err)
	}
	commands, err := parse(string(text))
	if err != nil {
		err = errors.New(file + ":" + strings.ReplaceAll(err.Error(), "\n", "\n"+file+":"))
	}
	return commands, err
}

// parse parses the text of a configuration file. The error has one line for each invalid line of
// the text: the line number, a colon and the reason.
func parse(text string) ([]command, error) {
	var commands []command
	var errs []error
	lines := make(map[string]int) // line numbers by name
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		c, err := parseLine(line)
		if first := lines[c.name]; err == nil && first > 0 {
			err = fmt.Errorf("the name %s is already used in line %d", c.name, first)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%d: %w", n, err))
			continue
		}
		lines[c.name] = n
		commands = append(commands, c)
	}
	if len(errs) == 0 && len(commands) == 0 {
		errs = append(errs, fmt.Errorf("%d: there is no command", max(n, 1)))
	}
	return commands, errors.Join(errs...)
}

// parseLine parses a line that is neither empty nor a comment.
func parseLine(line string) (command, error) {
	name, rest, ok := strings.Cut(line, ":")
	if !ok {
		return command{}, errors.New("there is no colon after a name")
	}
	if name == "" || strings.ContainsFunc(name, notInName) {
		return command{}, fmt.Errorf("%q is not a name", name)
	}
	args, err := splitFields(rest)
	if err == nil && len(args) == 0 {
		err = fmt.Errorf("%s has no command", name)
	}
	return command{name, args}, err
}

func notInName(r rune) bool {
	switch {
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '-', r == '_', r == '.':
		return false
	}
	return true
}

const blanks = " \t"

// splitFields splits s into fields separated by blanks. A field that begins with a double quote or
// a back quote is a Go string literal.
func splitFields(s string) ([]string, error) {
	var fields []string
	for s = strings.TrimLeft(s, blanks); s != ""; s = strings.TrimLeft(s, blanks) {
		var field string
		switch s[0] {
		case '"', '`':
			quoted, err := strconv.QuotedPrefix(s)
			if err != nil {
				return nil, fmt.Errorf("not a quoted string: %s", s)
			}
			if field, err = strconv.Unquote(quoted); err != nil {
				return nil, fmt.Errorf("not a quoted string: %s", quoted)
			}
			s = s[len(quoted):]
			if s != "" && !strings.Contains(blanks, s[:1]) {
				return nil, fmt.Errorf("no blank after %s", quoted)
			}
		default:
			end := strings.IndexAny(s, blanks)
			if end < 0 {
				end = len(s)
			}
			field, s = s[:end], s[end:]
			// The quotes are most likely meant as shell quotes.
			if strings.ContainsAny(field, "\"`'") {
				return nil, fmt.Errorf("%s contains a quote: quote the whole argument", field)
			}
		}
		fields = append(fields, field)
	}
	return fields, nil
}
