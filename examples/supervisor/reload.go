package main

import (
	"container/heap"
	"slices"
	"strings"
	"time"
)

// reload reads the file again. If the file is invalid, reload changes nothing.
func (s *supervisor) reload() {
	if s.closing {
		return
	}
	commands, err := load(s.file)
	if err != nil {
		for line := range strings.SplitSeq(err.Error(), "\n") {
			s.say("%s", strings.TrimPrefix(line, "supervisor: "))
		}
		s.say("nothing was reloaded")
		return
	}
	added, removed, changed := s.list(commands)
	s.say("reloaded: %d added, %d removed, %d changed, %d as before", added, removed, changed, len(commands)-added-changed)
}

// list makes the given commands the ones that are supervised. It does not touch a command that has
// not changed, and returns how many were added, removed and changed.
func (s *supervisor) list(commands []command) (added, removed, changed int) {
	before := s.services
	s.services = make([]*service, 0, len(commands))
	s.width = 0
	listed := make(map[string]bool)
	now := time.Now()
	for i, c := range commands {
		v := s.byName[c.name]
		switch {
		case v == nil:
			added++
			v = &service{command: c}
			s.byName[c.name] = v
			s.startAt(v, now)
		case v.removed: // and still shutting down
			added++
			v.removed = false
			v.change(c)
		case !slices.Equal(v.args, c.args):
			changed++
			v.change(c)
			switch v.state {
			case running:
				s.stop(v)
			case waiting:
				heap.Remove(&s.due, v.index)
				s.startAt(v, now)
			}
		}
		v.place = i
		s.services = append(s.services, v)
		s.width = max(s.width, len(c.name))
		listed[c.name] = true
	}
	heap.Init(&s.due) // the places may have changed
	for _, v := range before {
		if listed[v.name] {
			continue
		}
		removed++
		v.removed = true
		if v.state != stopping {
			s.stop(v)
		}
	}
	return added, removed, changed
}

// change sets the command to start the next time the service is started.
func (v *service) change(c command) {
	v.command = c
	v.failures = 0
}

// startAt schedules the start of a service.
func (s *supervisor) startAt(v *service, at time.Time) {
	v.enter(waiting)
	v.due = at
	v.until = at.Add(patience)
	heap.Push(&s.due, v)
}
