package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"go.execx.dev/execx"
)

// options are the limits of a server.
type options struct {
	max                int           // number of tools at once
	timeout            time.Duration // of a request
	drain              time.Duration // time for requests to finish during the shutdown
	grace              time.Duration // from SIGTERM to SIGKILL
	maxBody, maxOutput int64
	writeTimeout       time.Duration // of each write to the client
}

type server struct {
	options
	tools map[string][]string
	log   *slog.Logger
	slots chan struct{} // one value for each request whose tool runs or whose body is being received

	started time.Time
	jobs    jobs
	until   atomic.Pointer[time.Time] // when drain is over; nil unless the server is shutting down
}

func newServer(o options, tools map[string][]string, log *slog.Logger) *server {
	return &server{options: o, tools: tools, log: log, slots: make(chan struct{}, o.max), started: time.Now()}
}

// The reasons for which the server ends a tool or does not start one.
var (
	errShutdown       = errors.New("the server is shutting down")
	errTimeout        = errors.New("timed out")
	errGone           = errors.New("the client has gone away")
	errStalled        = errors.New("the client does not read the output")
	errOutputTooLarge = errors.New("output too large")
)

// serve serves requests until stop is done, then shuts the server down. It ends requests that still
// run after s.drain, or when now is done. It returns an error if the listener fails, or if some
// tools do not end.
func (s *server) serve(stop, now context.Context, l net.Listener) error {
	base, end := context.WithCancelCause(context.Background())
	defer end(nil)
	srv := &http.Server{
		Handler:           s.handler(),
		BaseContext:       func(net.Listener) context.Context { return base },
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
		MaxHeaderBytes:    64 << 10,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       time.Minute,
		// For requests that run no tool. The others set their own deadlines.
		ReadTimeout:  s.timeout,
		WriteTimeout: s.writeTimeout,
	}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(l) }()
	s.log.Info("listening", "addr", l.Addr().String())

	var err error
	select {
	case err = <-failed:
	case <-stop.Done():
	}
	s.finish(now, srv)
	end(errShutdown) // ends the tools of all requests
	return errors.Join(err, s.await(srv))
}

// finish stops accepting requests, and waits for those in progress until drain is over or now is
// done.
func (s *server) finish(now context.Context, srv *http.Server) {
	until := time.Now().Add(s.drain)
	s.until.Store(&until)
	s.log.Info("shutting down", "requests", len(s.slots), "drain", s.drain)
	ctx, cancel := context.WithDeadline(now, until)
	defer cancel()
	srv.Shutdown(ctx)
	if n := len(s.slots); n > 0 {
		s.log.Warn("ending the remaining requests", "requests", n)
	}
}

// await waits for all requests and children to end, with a time limit.
func (s *server) await(srv *http.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*s.grace+s.writeTimeout+time.Second)
	defer cancel()
	if err := srv.Shutdown(ctx); err != nil {
		srv.Close() // the handlers return when their connections are closed
	}

	ctx, cancel = context.WithTimeout(context.Background(), 2*s.grace+time.Second)
	defer cancel()
	for range s.max { // no tool runs when all slots are taken here
		select {
		case s.slots <- struct{}{}:
		case <-ctx.Done():
			return errors.New("some tools do not end")
		}
	}
	if err := execx.DrainOrphans(ctx); err != nil {
		return fmt.Errorf("%d children do not end: %w", execx.Orphans(), err)
	}
	return nil
}

func (s *server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /run/{tool}", s.serveRun)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) {
		if s.until.Load() != nil {
			refuse(w, errShutdown)
			return
		}
		io.WriteString(w, "ok\n")
	})
	return s.logged(mux)
}

// serveRun runs a tool if the request is valid and a slot is free.
func (s *server) serveRun(w http.ResponseWriter, r *http.Request) {
	argv, ok := s.tools[r.PathValue("tool")]
	if !ok {
		names := slices.Sorted(maps.Keys(s.tools))
		reply(w, http.StatusNotFound, "no such tool; available tools: "+strings.Join(names, ", "))
		return
	}
	if s.until.Load() != nil {
		refuse(w, errShutdown)
		return
	}
	if r.ContentLength > s.maxBody {
		reply(w, http.StatusRequestEntityTooLarge, (&http.MaxBytesError{Limit: s.maxBody}).Error())
		return
	}
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
		s.run(w, r, argv)
	default:
		refuse(w, errors.New("too many tools are running"))
	}
}

// refuse sends status 503, with Retry-After.
func refuse(w http.ResponseWriter, why error) {
	w.Header().Set("Retry-After", "1")
	reply(w, http.StatusServiceUnavailable, why.Error())
}

// reply sends a response with a text.
func reply(w http.ResponseWriter, status int, text string) {
	text += "\n"
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(status)
	io.WriteString(w, text)
}
