// Rounds runs the benchmarks in rounds, in which the implementations take turns, each in a process
// of its own, and prints a table of medians for the README:
//
//	go run ./cmd/rounds
//
// Usage:
//
//	rounds [-n rounds] [-run regexp] [-raw directory] [-update file]
//
// Because they take turns, other load on the machine does not affect one implementation alone. A
// ratio in the table is the quotient of the medians, followed by the lowest and the highest
// quotient of a single round.
//
// With -raw, the output of the benchmarks is appended to os.txt, execx.txt and c.txt in that
// directory, for benchstat to compare.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"time"
)

func main() {
	n := flag.Int("n", 10, "run so many `rounds`")
	only := flag.String("run", "", "run the benchmarks whose names match this `regexp` only")
	raw := flag.String("raw", "", "add what benchmarks print to files in this `directory`")
	update := flag.String("update", "", "put the table between the markers in this `file`")
	flag.Parse()
	if err := run(*n, *only, *raw, *update); err != nil {
		fmt.Fprintln(os.Stderr, "rounds:", err)
		os.Exit(1)
	}
}

func run(n int, only, raw, update string) error {
	match, err := regexp.Compile(only)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "rounds")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	binary := filepath.Join(dir, "bench.test")
	build := exec.Command("go", "test", "-c", "-o", binary, "go.execx.dev/bench")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return err
	}

	var results results
	begin := time.Now()
	for round := range n {
		for _, b := range benchmarks {
			if !match.MatchString(b.name) {
				continue
			}
			for i := range b.implementations {
				// No implementation is always first.
				impl := b.implementations[(i+round)%len(b.implementations)]
				out, err := b.run(binary, impl)
				if err != nil {
					return err
				}
				if err := results.add(b.name, impl, out); err != nil {
					return err
				}
				if err := save(raw, b.name, impl, out); err != nil {
					return err
				}
			}
		}
		fmt.Fprintf(os.Stderr, "round %d of %d, %v\n", round+1, n, time.Since(begin).Round(time.Second))
	}

	var out bytes.Buffer
	machine(&out, n)
	table(&out, results)
	if update == "" {
		_, err := os.Stdout.Write(out.Bytes())
		return err
	}
	return replace(update, out.Bytes())
}

// save appends the output of a benchmark to the file of impl, without the name of impl: benchstat
// compares benchmarks of the same name in different files.
func save(dir, name, impl string, out []byte) error {
	if dir == "" {
		return nil
	}
	f, err := os.OpenFile(filepath.Join(dir, impl+".txt"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.Write(bytes.ReplaceAll(out, []byte(name+"/"+impl), []byte(name)))
	return err
}

const (
	beginMarker = "<!-- rounds -->\n"
	endMarker   = "<!-- end of rounds -->\n"
)

// replace replaces the text between the markers in a file.
func replace(file string, text []byte) error {
	old, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	before, rest, ok := bytes.Cut(old, []byte(beginMarker))
	_, after, ended := bytes.Cut(rest, []byte(endMarker))
	if !ok || !ended {
		return fmt.Errorf("%s has no markers", file)
	}
	text = bytes.Join([][]byte{before, []byte(beginMarker), text, []byte(endMarker), after}, nil)
	return os.WriteFile(file, text, 0o644)
}
