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

// options is what to run, and how.
type options struct {
	command   []string
	given     []string // the lines, if they are arguments
	isGiven   bool
	null      bool // lines end with a NUL
	jobs      limit
	keepOrder bool
	timeout   span // 0 is none
	halt      halt
	grace     span
	joblog    string
	maxHeld   int // no job is started while more bytes of output are unprinted
	maxAhead  int // no line is read while more bytes of input are to be run
}

const usage = `usage: parallel [flag ...] [--] command [argument ...] <lines
       parallel [flag ...] [--] command [argument ...] ::: line ...
`

const placeholdersHelp = `
Placeholders in the command and its arguments (without any, {} is added):
  {}     the line, dir/name.txt say
  {.}    without its extension: dir/name
  {/}    without its directory: name.txt
  {//}   its directory: dir
  {/.}   without both: name
  {#}    its number, from 1
No shell is involved. For one: parallel sh -c 'grep x "$1" | wc -l' sh {}
`

// A section is a part of the help.
type section struct {
	title string
	flags *pflag.FlagSet
}

// newFlags returns the flags that set o, and all of them as one.
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
	f.VarP(&o.jobs, "jobs", "j", "run at most `N` at once; 50% and +1 count from the CPUs,\n0 is as many as the system allows")
	f.VarP(&o.jobs, "max-procs", "P", "")
	f.MarkHidden("max-procs")
	f.Var(&o.timeout, "timeout", "end a command after `TIME`, in seconds or like 1m30s")
	f.Lookup("timeout").DefValue = ""
	f = define("Output")
	f.BoolVarP(&o.keepOrder, "keep-order", "k", false, "print in the order of the input")
	f.StringVar(&o.joblog, "joblog", "", "write a line about each command to `FILE`")
	f = define("Stopping")
	f.Var(&o.halt, "halt", "`WHEN` to start no more: soon,fail=1 once one has failed;\nnow,fail=1 also ends those that run; or success, done")
	f.Lookup("halt").DefValue = ""
	o.grace = span(10 * time.Second)
	f.Var(&o.grace, "grace", "how long commands may go on after an interrupt")
	f = define("Help")
	f.BoolP("help", "h", false, "print this")
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

// parse returns the options that args are. If they are a call for help, which it has printed to
// stdout, or wrong, it returns the exit status, and whether there is one.
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
		fmt.Fprintf(stderr, "parallel: only one ::: is understood, and no ::::\n%sSee parallel --help.\n", usage)
		return o, exitUsage, true
	}
	return o, 0, false
}

// elsewhere is what to do instead of the flags that xargs or GNU parallel have.
var elsewhere = map[string]string{
	"a": "The lines of a file: parallel ... <FILE", "arg-file": "a",
	"bar": "Progress is shown anyway, if standard error is a terminal.", "eta": "bar", "progress": "bar",
	"d": "Lines end with a newline, or with a NUL: -0", "delimiter": "d",
	"I": "What stands for the line is {}",
	"n": "Each command has one line.", "N": "n", "L": "n", "X": "n", "m": "n", "max-args": "n", "xargs": "n",
	"q": "No shell is involved, so nothing needs quoting.", "quote": "q",
	"r": "Without input no command is run anyway.", "no-run-if-empty": "r",
	"u": "Output is printed when its command has ended.", "ungroup": "u", "line-buffer": "u", "lb": "u",
	"tag": "u",
}

// advice returns the line that helps with an error of flags.Parse(args).
func advice(flags *pflag.FlagSet, args []string, err error) string {
	flag := singleDashed(flags, args)
	unknown, isUnknown := errors.AsType[*pflag.NotExistError](err)
	if isUnknown && flag == nil {
		text := cmp.Or(elsewhere[unknown.GetSpecifiedShortnames()], elsewhere[unknown.GetSpecifiedName()])
		if text != "" {
			return cmp.Or(elsewhere[text], text) + "\n"
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

// singleDashed returns the flag that one of args has with one dash, or nil: -halt is others, in
// fact.
func singleDashed(flags *pflag.FlagSet, args []string) *pflag.Flag {
	for _, arg := range args {
		name, _, _ := strings.Cut(strings.TrimPrefix(arg, "-"), "=")
		if f := flags.Lookup(name); f != nil && strings.HasPrefix(arg, "-") && len(name) > 1 {
			return f
		}
	}
	return nil
}

// usages returns what flags are for. pflag adds to boolean ones what nobody needs to know.
func usages(flags *pflag.FlagSet) string {
	const noise = "[=true|false]"
	return strings.ReplaceAll(flags.FlagUsages(), noise, strings.Repeat(" ", len(noise)))
}

// nearest returns the flag whose name is most like name, or nil if none is.
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

// distance returns how many bytes are to be added, removed or changed to make b of a.
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
