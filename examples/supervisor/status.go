package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"sync"
	"text/tabwriter"
	"time"
)

// A report is the status of a supervisor.
type report struct {
	PID      int           `json:"pid"`
	Since    time.Time     `json:"since"`
	Lost     int64         `json:"lost_lines"`
	Services []reportEntry `json:"services"`
}

// A reportEntry is the status of a service.
type reportEntry struct {
	Name     string    `json:"name"`
	State    state     `json:"state"`
	PID      int       `json:"pid,omitempty"`
	Since    time.Time `json:"since"`
	Restarts int       `json:"restarts"`
	LastExit string    `json:"last_exit,omitempty"`
}

func (s *supervisor) report() report {
	r := report{PID: os.Getpid(), Since: s.began, Lost: s.output.Lost().Lines}
	for _, v := range s.services {
		e := reportEntry{Name: v.name, State: v.state, Since: v.since, Restarts: max(0, v.starts-1), LastExit: v.last}
		if v.cmd != nil && v.state != waiting {
			e.PID = v.cmd.Process.Pid
		}
		r.Services = append(r.Services, e)
	}
	return r
}

// statusTimeout is how long it may take to connect and to send a report.
const statusTimeout = 5 * time.Second

// listen opens the status socket. It replaces a stale socket, one that no process listens on.
func (s *supervisor) listen() (err error) {
	if s.socket == "" {
		return nil
	}
	l, err := net.Listen("unix", s.socket)
	if err != nil && isSocket(s.socket) {
		if isListening(s.socket) {
			return errRunning
		}
		os.Remove(s.socket)
		l, err = net.Listen("unix", s.socket)
	}
	if err != nil {
		return err
	}
	s.status = l
	if err = os.Chmod(s.socket, 0o600); err != nil {
		s.closeStatus()
	}
	return err
}

func (s *supervisor) closeStatus() {
	if s.status != nil {
		s.status.Close()
		s.status = nil
	}
}

var errRunning = errors.New("a supervisor of this file is already running")

func isSocket(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.Mode()&os.ModeSocket != 0
}

func isListening(socket string) bool {
	conn, err := net.DialTimeout("unix", socket, statusTimeout)
	if err == nil {
		conn.Close()
		return true
	}
	netErr, ok := errors.AsType[net.Error](err)
	return ok && netErr.Timeout() // it listens, but is busy
}

// serve sends a report to each client of the socket until the loop ends.
func (s *supervisor) serve() {
	defer s.status.Close()
	defer context.AfterFunc(s.looping, func() { s.status.Close() })()
	var answers sync.WaitGroup
	defer answers.Wait()
	for s.looping.Err() == nil {
		conn, err := s.status.Accept()
		if err != nil { // out of descriptors, unless the loop has ended
			select {
			case <-time.After(time.Second / 10):
			case <-s.looping.Done():
			}
			continue
		}
		answers.Go(func() { s.answer(conn) })
	}
}

func (s *supervisor) answer(conn net.Conn) {
	defer conn.Close()
	defer context.AfterFunc(s.looping, func() { conn.Close() })()
	reply := make(chan report, 1)
	select {
	case s.requests <- reply:
		conn.SetDeadline(time.Now().Add(statusTimeout))
		json.NewEncoder(conn).Encode(<-reply)
	case <-s.looping.Done():
	}
}

// printStatus prints the status of the supervisor that listens on the socket.
func printStatus(w io.Writer, socket string) error {
	conn, err := net.DialTimeout("unix", socket, statusTimeout)
	if err != nil {
		return err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(statusTimeout))
	var r report
	if err := json.NewDecoder(conn).Decode(&r); err != nil {
		return fmt.Errorf("%s: %w", socket, err)
	}

	fmt.Fprintf(w, "supervisor: process %d since %s", r.PID, r.Since.Local().Format(time.DateTime))
	if r.Lost > 0 {
		fmt.Fprintf(w, ", has lost %d lines of output", r.Lost)
	}
	fmt.Fprintln(w)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "NAME\tSTATE\tPID\tSINCE\tRESTARTS\tLAST EXIT")
	for _, e := range r.Services {
		pid := "-"
		if e.PID > 0 {
			pid = strconv.Itoa(e.PID)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%d\t%s\n", e.Name, e.State, pid,
			e.Since.Local().Format(time.DateTime), e.Restarts, cmp.Or(printable(e.LastExit), "-"))
	}
	return table.Flush()
}
