package main

import (
	"context"
	"flag"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/nats-io/nats.go"
)

// A place is the location of a fleet.
type place struct {
	url      string
	creds    string
	replicas int
	dir      string
}

// flags adds the flags common to all commands.
func (p *place) flags(flags *flag.FlagSet) {
	flags.StringVar(&p.url, "nats", "", "the `URL` of the NATS servers, separated by commas (default: the fleet runs on this machine)")
	flags.StringVar(&p.creds, "creds", "", "a `file` of credentials for -nats")
	flags.IntVar(&p.replicas, "replicas", 1, "on how many servers of a cluster to store the data; used by the first command of a fleet")
	flags.StringVar(&p.dir, "dir", "", "the `directory` of the fleet on this machine (default: fleet in the user's cache directory)")
}

// local reports whether the fleet is on this machine.
func (p *place) local() bool { return p.url == "" }

// unixDialer dials a unix socket and ignores the address.
type unixDialer string

func (d unixDialer) Dial(string, string) (net.Conn, error) { return net.Dial("unix", string(d)) }

// open connects to the fleet. The caller must call close when done with the store.
func (p *place) open(ctx context.Context, say func(string, ...any)) (s *store, close func(), err error) {
	options := []nats.Option{
		nats.Name("fleet"),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(250 * time.Millisecond),
		nats.ReconnectJitter(100*time.Millisecond, time.Second),
		nats.DisconnectErrHandler(func(nc *nats.Conn, err error) {
			if !nc.IsClosed() {
				say("lost the connection, reconnecting")
			}
		}),
		nats.ReconnectHandler(func(*nats.Conn) { say("reconnected") }),
	}
	if p.creds != "" {
		options = append(options, nats.UserCredentials(p.creds))
	}
	close = func() {}
	var nc *nats.Conn
	if p.local() {
		var h *host
		if h, err = p.host(say); err != nil {
			return nil, nil, err
		}
		close = h.close
		nc, err = connectLocally(ctx, append(options, nats.SetCustomDialer(unixDialer(socketPath(p.dir)))))
	} else {
		nc, err = nats.Connect(p.url, options...)
	}
	if err == nil {
		stop := close
		close = func() {
			nc.FlushTimeout(time.Second) // sends pending acknowledgements
			nc.Close()
			stop()
		}
		s, err = openStore(ctx, nc, p.replicas, say)
	}
	if err != nil {
		close()
		return nil, nil, err
	}
	return s, close, nil
}

func (p *place) host(say func(string, ...any)) (*host, error) {
	if p.dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return nil, err
		}
		p.dir = filepath.Join(cache, "fleet")
	}
	return newHost(p.dir, say)
}

// connectLocally connects as soon as some process on this machine has started the server.
func connectLocally(ctx context.Context, options []nats.Option) (*nats.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		nc, err := nats.Connect("nats://127.0.0.1", options...) // the dialer ignores the URL
		if err == nil {
			return nc, nil
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(50 * time.Millisecond):
		}
	}
}
