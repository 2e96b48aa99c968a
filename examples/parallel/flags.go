package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// options holds the command and the flags.
type options struct {
	command   []string
	given     []string // the lines after :::, if isGiven
	isGiven   bool
	null      bool // lines end with a NUL
	jobs      limit
	keepOrder bool
	timeout   span // 0 means none
	halt      halt
	grace     span
	joblog    string
	maxHeld   int // start no job while more bytes of output than this are unprinted
	maxAhead  int // read no line while more bytes of input than this are not yet run
}

const usage = `usage: parallel [flag ...] [--] command [argument ...] <lines
       parallel [flag ...] [--] command [argument ...] ::: line ...
`

const placeholdersHelp = `
Placeholders in the command and its arguments (without any, {} is added):
  {}     the line, such as dir/name.txt
  {.}    without its extension: dir/name
  {/}    without its directory: name.txt
  {//}   its directory: dir
  {/.}   without both: name
  {#}    its number, from 1
No shell is involved. For one: parallel sh -c 'grep x "$1" | wc -l' sh {}
`

// A section is a section of the help text.
type section struct {
	title string
	flags *pflag.FlagSet
}

// newFlags returns the flags that set o, in sections and as a single flag set.
func newFlags(o *options) (sections []section, all *pflag.FlagSet) {
	all = pflag.NewFlagSet("parallel", pflag.ContinueOnError)
	all.SetInterspersed(false)
	all.Usage = func() {}
	define := func(title string) *pflag.FlagSet {
		s := section{title, pflag.NewFlagSet(title, pflag.ContinueOnError)}
		s.flags.SortFlags = false
		sections = append(sections, s)
		return s.flags
	}
	f := define("Input")
	f.BoolVarP(&o.null, "null", "0", false, "lines end with a NUL, as from find -print0")
	f = define("Jobs")
	o.jobs.Set("100%")
	f.VarP(&o.jobs, "jobs", "j", "run at most `N` at once; 50% and +1 are relative to the\nnumber of CPUs, 0 is as many as the system allows")
	f.VarP(&o.jobs, "max-procs", "P", "")
	f.MarkHidden("max-procs")
	f.Var(&o.timeout, "timeout", "end a command after `TIME`, in seconds or like 1m30s")
	f.Lookup("timeout").DefValue = ""
	f = define("Output")
	f.BoolVarP(&o.keepOrder, "keep-order", "k", false, "print in the order of the input")
	f.StringVar(&o.joblog, "joblog", "", "write a line about each command to `FILE`")
	f = define("Stopping")
	f.Var(&o.halt, "halt", "`WHEN` to start no more: soon,fail=1 once one has failed;\nnow,fail=1 also ends the running ones; or success, done")
	f.Lookup("halt").DefValue = ""
	o.grace = span(10 * time.Second)
	f.Var(&o.grace, "grace", "how long commands may keep running after an interrupt")
	f = define("Help")
	f.BoolP("help", "h", false, "print this help")
	for _, s := range sections {
		all.AddFlagSet(s.flags)
	}
	return sections, all
}

func printHelp(w io.Writer, sections []section) {
	fmt.Fprint(w, "Parallel runs a command for each line of its input, several at a time.\n\n", usage)
	for _, s := range sections {
		fmt.Fprintf(w, "\n%s:\n%s", s.title, usages(s.flags))
	}
	fmt.Fprint(w, placeholdersHelp)
}

// parse parses args. It reports whether the program should exit, and with which exit status: after
// a request for help, which parse prints to stdout, or after an error, which it prints to stderr.
func parse(args []string, stdout, stderr io.Writer) (o options, code int, exit bool) {
	sections, flags := newFlags(&o)
	if err := flags.Parse(args); err != nil {
		fmt.Fprintf(stderr, "parallel: %s\n%sSee parallel --help.\n", escape(err.Error()), advice(flags, args, err))
		return o, exitUsage, true
	}
	if help, _ := flags.GetBool("help"); help {
		printHelp(stdout, sections)
		return o, 0, true
	}
	o.command = flags.Args()
	if i := slices.Index(o.command, ":::"); i >= 0 {
		o.command, o.given, o.isGiven = o.command[:i], o.command[i+1:], true
	}
	switch {
	case len(o.command) == 0:
		fmt.Fprintf(stderr, "parallel: there is no command\n%sSee parallel --help.\n", usage)
		return o, exitUsage, true
	case slices.Contains(o.given, ":::") || slices.Contains(o.command, "::::"):
		fmt.Fprintf(stderr, "parallel: only one ::: is supported, and no ::::\n%sSee parallel --help.\n", usage)
		return o, exitUsage, true
	}
	return o, 0, false
}

// unsupported maps flags that xargs or GNU parallel have, but this program does not, to advice, or
// to the flag with the same advice.
var unsupported = map[string]string{
	"a": "The lines of a file: parallel ... <FILE", "arg-file": "a",
	"bar": "Progress is shown if standard error is a terminal.", "eta": "bar", "progress": "bar",
	"d": "Lines end with a newline, or with a NUL: -0", "delimiter": "d",
	"I": "The placeholder for the line is {}",
	"n": "Each command has one line.", "N": "n", "L": "n", "X": "n", "m": "n", "max-args": "n", "xargs": "n",
	"q": "No shell is involved, so no quoting is needed.", "quote": "q",
	"r": "Without input, no command is run.", "no-run-if-empty": "r",
	"u": "Output is printed when its command has ended.", "ungroup": "u", "line-buffer": "u", "lb": "u",
	"tag": "u",
}

// advice returns a line of help for an error of flags.Parse(args), or "".
func advice(flags *pflag.FlagSet, args []string, err error) string {
	flag := singleDashed(flags, args)
	unknown, isUnknown := errors.AsType[*pflag.NotExistError](err)
	if isUnknown && flag == nil {
		text := cmp.Or(unsupported[unknown.GetSpecifiedShortnames()], unsupported[unknown.GetSpecifiedName()])
		if text != "" {
			return cmp.Or(unsupported[text], text) + "\n"
		}
	}
	if invalid, ok := errors.AsType[*pflag.InvalidValueError](err); ok && flag == nil {
		flag = invalid.GetFlag()
	}
	if missing, ok := errors.AsType[*pflag.ValueRequiredError](err); ok && flag == nil {
		flag = missing.GetFlag()
	}
	if isUnknown && flag == nil {
		flag = nearest(flags, unknown.GetSpecifiedName())
	}
	if flag == nil {
		return ""
	}
	f := pflag.NewFlagSet("", pflag.ContinueOnError)
	f.AddFlag(flag)
	return usages(f)
}

// singleDashed returns the flag whose long name one of args uses with a single dash, or nil. pflag
// parses -halt as -h, -a, -l and -t.
func singleDashed(flags *pflag.FlagSet, args []string) *pflag.Flag {
	for _, arg := range args {
		name, _, _ := strings.Cut(strings.TrimPrefix(arg, "-"), "=")
		if f := flags.Lookup(name); f != nil && strings.HasPrefix(arg, "-") && len(name) > 1 {
			return f
		}
	}
	return nil
}

// usages returns the usage of flags, without the noise that pflag adds to boolean flags.
func usages(flags *pflag.FlagSet) string {
	const noise = "[=true|false]"
	return strings.ReplaceAll(flags.FlagUsages(), noise, strings.Repeat(" ", len(noise)))
}

// nearest returns the flag whose name is most similar to name, or nil if none is similar.
func nearest(flags *pflag.FlagSet, name string) (flag *pflag.Flag) {
	name, _, _ = strings.Cut(name, "=")
	least := 3
	flags.VisitAll(func(f *pflag.Flag) {
		d := distance(name, f.Name)
		if strings.HasPrefix(f.Name, name) && len(name) > 1 {
			d = 0
		}
		if d < least && !f.Hidden {
			flag, least = f, d
		}
	})
	return flag
}

// distance returns the Levenshtein distance of a and b, in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, diagonal+1, row[j]+1)
		}
	}
	return row[len(b)]
}
