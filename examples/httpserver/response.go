package main

import (
	"cmp"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// exitStatus is the trailer, and without output the header, that tells how the tool
// has ended.
const exitStatus = "Exit-Status"

// begin sets the header of a response with output.
func (j *job) begin() {
	j.closeUnlessReceived()
	j.w.Header().Set("Trailer", exitStatus)
	j.w.Header().Set("Content-Type", "application/octet-stream")
	j.w.Header().Set("X-Content-Type-Options", "nosniff")
}

// closeUnlessReceived has the connection closed after a response that begins before
// the body was read: what is left of the body is not another request.
func (j *job) closeUnlessReceived() {
	select {
	case <-j.received:
		if j.whole {
			return
		}
	default:
	}
	j.w.Header().Set("Connection", "close")
}

// respond sends what is left to be sent once the tool has ended, with err as its
// result. If cut is not nil, the tool was ended for that reason.
func (j *job) respond(cut, err error) {
	exit := j.exit(err)
	j.note(exit, cut)
	begun := j.out.begin == nil
	j.control.SetWriteDeadline(time.Now().Add(j.writeTimeout))
	switch {
	case cut != nil && (begun || errors.Is(cut, errGone)):
		j.control.SetReadDeadline(time.Now()) // receive no more
		panic(http.ErrAbortHandler)
	case errors.Is(cut, errShutdown):
		j.closeUnlessReceived()
		refuse(j.w, cut)
	case cut != nil:
		j.closeUnlessReceived()
		reply(j.w, statusOf(cut), cut.Error())
	case begun:
		j.w.Header().Set(exitStatus, exit)
	case exit == "0":
		j.begin()
		j.w.WriteHeader(http.StatusOK)
		j.w.Header().Set(exitStatus, exit)
	default:
		j.closeUnlessReceived()
		j.w.Header().Set(exitStatus, exit)
		status := http.StatusUnprocessableEntity
		if j.cmd.ProcessState.ExitCode() < 0 {
			status = http.StatusInternalServerError
		}
		reply(j.w, status, cmp.Or(strings.TrimSpace(j.stderr.String()), "the tool has failed"))
	}
	j.linger()
}

// linger receives the rest of the body, if there is one. If the connection were
// closed before, the client's system would drop what it has received of the response
// and the client has not read.
func (j *job) linger() {
	select {
	case <-j.received:
	default:
		j.control.Flush()
		j.control.SetReadDeadline(time.Now().Add(j.lingering))
		<-j.received
	}
}

// exit returns how the tool has ended: its exit code, or a text if it has none.
func (j *job) exit(err error) string {
	switch state := j.cmd.ProcessState; {
	case state == nil && err != nil: // reaped by another part of the program
		return err.Error()
	case state != nil && state.ExitCode() < 0:
		return state.String()
	default:
		return strconv.Itoa(max(state.ExitCode(), 0))
	}
}

// note has the log tell how the tool has ended.
func (j *job) note(exit string, cut error) {
	note(j.w, slog.Int64("in", j.in.written()), slog.String("exit", exit))
	if cut != nil {
		note(j.w, slog.String("cut", cut.Error()))
	}
	if text := strings.TrimSpace(j.stderr.String()); text != "" {
		note(j.w, slog.String("stderr", text))
	}
}

// statusOf returns the status of a response without output.
func statusOf(cut error) int {
	if _, ok := errors.AsType[*http.MaxBytesError](cut); ok {
		return http.StatusRequestEntityTooLarge
	}
	if errors.Is(cut, errTimeout) {
		return http.StatusGatewayTimeout
	}
	return http.StatusBadRequest
}
