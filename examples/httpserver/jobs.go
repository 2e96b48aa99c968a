package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"go.execx.dev/execx"
)

// jobs is the set of requests for tools that are in progress.
type jobs struct {
	mu   sync.Mutex // guards everything below
	last uint64     // last ID assigned
	set  map[*job]struct{}
}

func (js *jobs) add(j *job) {
	js.mu.Lock()
	defer js.mu.Unlock()
	js.last++
	j.id = js.last
	if js.set == nil {
		js.set = make(map[*job]struct{})
	}
	js.set[j] = struct{}{}
}

func (js *jobs) remove(j *job) {
	js.mu.Lock()
	defer js.mu.Unlock()
	delete(js.set, j)
}

// all returns the jobs, oldest first.
func (js *jobs) all() []*job {
	js.mu.Lock()
	defer js.mu.Unlock()
	return slices.SortedFunc(maps.Keys(js.set), func(a, b *job) int { return cmp.Compare(a.id, b.id) })
}

// A command describes a command that was started and has not been reaped.
type command struct {
	execx.CmdInfo
	Age     string
	Request *request // the request that it serves, if known
}

// Line returns the arguments on one line. It quotes an argument that is empty or contains spaces,
// quotes or unprintable characters.
func (c *command) Line() string {
	args := make([]string, len(c.Args))
	for i, arg := range c.Args {
		if args[i] = arg; arg == "" || strings.ContainsFunc(arg, needsQuotes) {
			args[i] = strconv.Quote(arg)
		}
	}
	return strings.Join(args, " ")
}

func needsQuotes(r rune) bool { return r == ' ' || r == '"' || !strconv.IsPrint(r) }

// A request describes a job.
type request struct {
	ID                   uint64
	Method, Path, Client string
	Age                  string
	State                string
	Ending               string // why the server ends the tool, or will not start it
	pid                  int
}

func (j *job) request() *request {
	r := &request{
		ID:     j.id,
		Method: j.r.Method,
		Path:   j.r.URL.Path,
		Client: j.r.RemoteAddr,
		Age:    age(j.started),
		State:  "receiving",
		pid:    int(j.pid.Load()),
	}
	switch cause := context.Cause(j.ctx); cause {
	case nil:
	case context.Canceled: // by net/http
		r.Ending = errGone.Error()
	default:
		r.Ending = cause.Error()
	}
	return r
}

// snapshot returns all commands, and the requests that have no command.
func (s *server) snapshot() (commands []*command, waiting []*request) {
	var requests []*request
	for _, j := range s.jobs.all() {
		requests = append(requests, j.request())
	}
	commands = []*command{} // encodes as [], not null
	running := make(map[int]*command)
	for _, info := range execx.Live() {
		c := &command{CmdInfo: info, Age: age(info.Started)}
		commands = append(commands, c)
		running[info.Pid] = c
	}
	for _, r := range slices.Backward(requests) { // if a PID was reused, it belongs to the youngest
		if c := running[r.pid]; c != nil && c.Request == nil {
			r.State = "running"
			c.Request = r
			continue
		}
		if r.pid != 0 {
			r.State = "finishing"
		}
		waiting = append(waiting, r)
	}
	slices.Reverse(waiting)
	return commands, waiting
}

// age returns the time since t, rounded for display.
func age(t time.Time) string {
	switch d := time.Since(t); {
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return fmt.Sprintf("%.1fs", d.Seconds())
	default:
		return d.Round(time.Second).String()
	}
}
