package main

import (
	"bytes"
	"cmp"
	_ "embed"
	"errors"
	"expvar"
	"html/template"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"sync"
	"time"

	"go.execx.dev/execx"
)

// listenDebug listens on addr for the debug pages. If addr has no host, it listens on 127.0.0.1,
// and not on every address as net.Listen would: forgetting the host must not make the pages public.
func listenDebug(addr string) (net.Listener, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	return net.Listen("tcp", net.JoinHostPort(cmp.Or(host, "127.0.0.1"), port))
}

// serveDebug serves the debug pages until stop is called.
func (s *server) serveDebug(l net.Listener) (stop func()) {
	h, addr := s.debugHandler(), l.Addr().(*net.TCPAddr)
	if addr.IP.IsLoopback() {
		h = localNames(h)
	} else {
		s.log.Warn("the debug pages are open to other machines", "addr", addr.String())
	}
	srv := &http.Server{
		Handler:      h,
		ErrorLog:     slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
		ReadTimeout:  10 * time.Second,
		WriteTimeout: 10 * time.Second,
	}
	var done sync.WaitGroup
	done.Go(func() {
		if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			s.log.Error("the debug pages have failed", "err", err)
		}
	})
	s.log.Info("debug pages", "url", "http://"+addr.String()+"/debug/execx")
	return func() {
		srv.Close()
		done.Wait()
	}
}

// localNames rejects requests whose Host is neither localhost nor an IP address. Otherwise a web
// site could resolve its own name to 127.0.0.1 and read the pages through a browser on this machine
// (DNS rebinding).
func localNames(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := (&url.URL{Host: r.Host}).Hostname()
		if _, err := netip.ParseAddr(host); err != nil && host != "localhost" {
			reply(w, http.StatusForbidden, "these pages are at localhost")
			return
		}
		h.ServeHTTP(w, r)
	})
}

func (s *server) debugHandler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", http.RedirectHandler("/debug/execx", http.StatusFound))
	mux.HandleFunc("GET /debug/execx", s.debugPage)
	mux.Handle("GET /debug/vars", expvar.Handler())
	return mux
}

// publish adds this server to /debug/vars. It must be called only once in a program.
func (s *server) publish() {
	expvar.Publish("execx", expvar.Func(func() any { return execx.ReadStats() }))
	expvar.Publish("commands", expvar.Func(func() any { commands, _ := s.snapshot(); return commands }))
	expvar.Publish("requests", expvar.Func(func() any { return len(s.slots) }))
}

//go:embed debug.html
var debugHTML string

var debugTemplate = template.Must(template.New("debug").Parse(debugHTML))

func (s *server) debugPage(w http.ResponseWriter, r *http.Request) {
	page := struct {
		Pid        int
		Up         string
		Taken, Max int
		Until      string // when requests are ended, if the server is shutting down
		Commands   []*command
		Waiting    []*request
		Stats      execx.Stats
	}{
		Pid:   os.Getpid(),
		Up:    age(s.started),
		Taken: len(s.slots),
		Max:   s.max,
		Stats: execx.ReadStats(),
	}
	page.Commands, page.Waiting = s.snapshot()
	if until := s.until.Load(); until != nil {
		page.Until = until.Format("15:04:05 MST")
	}
	var buf bytes.Buffer
	if err := debugTemplate.Execute(&buf, page); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
	w.Header().Set("Cache-Control", "no-store")
	w.Write(buf.Bytes())
}
