package main

import (
	"cmp"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"strconv"
	"time"
)

// exitStatus is the name of the trailer (of the header, if there is no output) that reports how the
// tool ended, or which limit it exceeded.
const exitStatus = "Exit-Status"

// begin sets the header of a response that has output.
func begin(w http.ResponseWriter) {
	w.Header().Set("Trailer", exitStatus)
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("X-Content-Type-Options", "nosniff")
}

// respond completes the response after the tool has ended. The response reports exit and, if the
// tool failed without output, its standard error.
func (j *job) respond(exit, stderr string) {
	j.control.SetWriteDeadline(time.Now().Add(j.writeTimeout))
	switch {
	case j.out.begun:
		j.w.Header().Set(exitStatus, exit)
	case exit == "0":
		begin(j.w)
		j.w.WriteHeader(http.StatusOK)
		j.w.Header().Set(exitStatus, exit)
	default:
		j.w.Header().Set(exitStatus, exit)
		status := http.StatusUnprocessableEntity
		if _, err := strconv.Atoi(exit); err != nil {
			status = http.StatusInternalServerError
		}
		reply(j.w, status, cmp.Or(stderr, "the tool has failed"))
	}
}

// cutShort completes the response if the server ended the tool, or did not start it, because of
// cut.
func (j *job) cutShort(cut error) {
	note(j.w, slog.String("cut", cut.Error()))
	j.control.SetWriteDeadline(time.Now().Add(j.writeTimeout))
	switch {
	case j.out.begun && (errors.Is(cut, errTimeout) || errors.Is(cut, errOutputTooLarge)):
		j.w.Header().Set(exitStatus, cut.Error())
	case j.out.begun || errors.Is(cut, errGone):
		panic(http.ErrAbortHandler)
	case errors.Is(cut, errShutdown):
		refuse(j.w, cut)
	default:
		reply(j.w, statusOf(cut), cut.Error())
	}
}

// exitOf describes how a tool ended: by its exit code, or a text if it has none. The error err is
// from Wait.
func exitOf(state *os.ProcessState, err error) string {
	switch {
	case state == nil && err != nil: // reaped by another part of the program
		return err.Error()
	case state != nil && state.ExitCode() < 0:
		return state.String()
	default:
		return strconv.Itoa(max(state.ExitCode(), 0))
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
