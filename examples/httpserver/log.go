package main

import (
	"log/slog"
	"net/http"
	"time"
)

// logged logs a line for each request after its handler has returned:
//
//	method, path, remote  of the request
//	status                of the response; 499 if the client had disconnected before one
//	out                   the size of the response
//	took                  the duration of the request
//
// and, if it was for a tool:
//
//	id      the ID of the request, as on the debug page
//	in      the size of the request, as far as it was read
//	exit    how the tool ended, as in Exit-Status, if it was started
//	stderr  the beginning of its standard error, if there is any
//	cut     why the server ended the tool, or did not start it
func (s *server) logged(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		rec := &record{ResponseWriter: w}
		defer func() { // even if the handler aborts the response
			s.log.LogAttrs(r.Context(), slog.LevelInfo, "request", append([]slog.Attr{
				slog.String("method", r.Method),
				slog.String("path", r.URL.Path),
				slog.String("remote", r.RemoteAddr),
				slog.Int("status", rec.sent()),
				slog.Int64("out", rec.out),
				slog.Duration("took", time.Since(start)),
			}, rec.attrs...)...)
		}()
		h.ServeHTTP(rec, r)
	})
}

// A record is a ResponseWriter that records what is logged about the response.
type record struct {
	http.ResponseWriter
	status int
	out    int64
	attrs  []slog.Attr
}

// Unwrap is used by http.ResponseController.
func (r *record) Unwrap() http.ResponseWriter { return r.ResponseWriter }

func (r *record) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *record) Write(p []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	n, err := r.ResponseWriter.Write(p)
	r.out += int64(n)
	return n, err
}

func (r *record) sent() int {
	const clientGone = 499 // not standard, but widely used in logs
	if r.status == 0 {
		return clientGone
	}
	return r.status
}

// note adds attributes to the log line of the request.
func note(w http.ResponseWriter, attrs ...slog.Attr) {
	if r, ok := w.(*record); ok {
		r.attrs = append(r.attrs, attrs...)
	}
}
