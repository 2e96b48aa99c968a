package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/gofrs/flock"
	"github.com/nats-io/nats-server/v2/server"
)

// A host runs the server of a fleet on this machine. The server listens on a socket in a directory
// that only its user can enter. All processes of the fleet have a host, and the one that holds the
// lock on the directory runs the server. When that process exits or is killed, another one takes
// over, with the data in the directory.
type host struct {
	stop    context.CancelFunc
	stopped sync.WaitGroup
}

func socketPath(dir string) string { return filepath.Join(dir, "socket") }

// newHost starts a host. The host reports errors of the server by say.
func newHost(dir string, say func(string, ...any)) (*host, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	h := &host{stop: stop}
	h.stopped.Go(func() {
		for ctx.Err() == nil {
			if err := serveAlone(ctx, dir); err != nil {
				say("the server in %s: %v", dir, err)
				select {
				case <-ctx.Done():
				case <-time.After(5 * time.Second):
				}
			}
		}
	})
	return h, nil
}

// close stops the server, if this process runs it.
func (h *host) close() {
	h.stop()
	h.stopped.Wait()
}

// serveAlone waits until no other process runs the server, and then runs it until ctx is done.
func serveAlone(ctx context.Context, dir string) error {
	lock := flock.New(filepath.Join(dir, "lock"), flock.SetPermissions(0o600))
	defer lock.Close()
	if _, err := lock.TryLockContext(ctx, 100*time.Millisecond); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	os.Remove(socketPath(dir)) // left by a process that was killed
	l, err := net.Listen("unix", socketPath(dir))
	if err != nil {
		return err
	}
	defer l.Close()
	s, err := startServer(&server.Options{StoreDir: dir, DontListen: true})
	if err != nil {
		return err
	}
	var joined sync.WaitGroup
	defer joined.Wait()
	defer stopServer(s)
	defer context.AfterFunc(ctx, func() { l.Close() })()
	for {
		conn, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		inside, err := s.InProcessConn()
		if err != nil {
			conn.Close()
			return err
		}
		joined.Go(func() { join(conn, inside) })
	}
}

// join copies between two connections until one of them ends.
func join(a, b net.Conn) {
	var copying sync.WaitGroup
	for _, c := range [][2]net.Conn{{a, b}, {b, a}} {
		copying.Go(func() {
			io.Copy(c[0], c[1])
			a.Close()
			b.Close()
		})
	}
	copying.Wait()
}

// startServer starts a server with JetStream.
func startServer(o *server.Options) (*server.Server, error) {
	o.ServerName = "fleet"
	o.JetStream = true
	o.NoSigs = true // fleet handles signals itself
	s, err := server.NewServer(o)
	if err != nil {
		return nil, err
	}
	s.Start()
	if !s.ReadyForConnections(30*time.Second) || !s.JetStreamEnabled() {
		stopServer(s)
		return nil, fmt.Errorf("can't be started in %s", o.StoreDir)
	}
	return s, nil
}

func stopServer(s *server.Server) {
	s.Shutdown()
	s.WaitForShutdown()
}
