// Httpserver runs commands for HTTP clients. It is meant as a starting point for such a server:
//
//	go run ./examples/httpserver &
//	curl --data-binary @go.mod http://127.0.0.1:8080/run/sha256sum
//
// Usage:
//
//	httpserver [-addr address] [-debug address] [-max tools] [-timeout duration]
//	           [-grace duration] [-drain duration] [-max-body bytes] [-max-output bytes]
//
// The flags are:
//
//	-addr address
//		Listen on address (default 127.0.0.1:8080). If the port is 0, a free
//		one is chosen and logged.
//	-debug address
//		Serve the debug pages on address, such as ":8081" (off by default).
//		Without a host, only this machine can reach them. See below.
//	-max tools
//		Run at most this many tools at once (default 16).
//	-timeout duration
//		How long a request may take (default 30s).
//	-grace duration
//		How long a tool may take to end after SIGTERM (default 5s).
//	-drain duration
//		How long requests may continue when the server shuts down (default 0:
//		they are ended immediately).
//	-max-body bytes, -max-output bytes
//		The maximum size of a request and of a response (default 8 MiB and
//		64 MiB).
//
// # Requests
//
// POST /run/{tool} runs one of a fixed list of tools, see tools.go. The body of the request is the
// standard input of the tool; the server receives all of it before it starts the tool. The body of
// the response is the standard output of the tool, sent as it is written. The client chooses only
// the name of the tool and has no other influence on the command line; no shell is involved. Each
// tool runs in an empty directory of its own, which is also its TMPDIR.
//
// GET /healthz returns 200, or 503 when the server is shutting down.
//
// # Responses
//
// The status is 200 as soon as there is output. It is sent before the tool has ended, so the
// trailer Exit-Status reports how the tool ended:
//
//	0, 1, 2 ...       the exit code of the tool
//	signal: aborted   a signal ended the tool: it crashed, or was killed
//	timed out         the server ended the tool because -timeout was over
//	output too large  the server ended the tool because of -max-output
//
// Clients must check the trailer: otherwise, output that was truncated by a limit looks complete. A
// response that breaks off, without a last chunk and a trailer, means that the server was shut down
// or has crashed, or that the network failed. If there is no output, the status reports how the
// tool ended:
//
//	200  the tool succeeded: Exit-Status is 0
//	400  the body could not be read
//	404  there is no such tool
//	413  the body is larger than -max-body
//	422  the tool failed: the body is its standard error
//	500  the tool could not be started, or was ended by a signal
//	503  -max tools are running or receiving their input, or the server is
//	     shutting down; see Retry-After
//	504  the request has timed out: -timeout is over
//
// HTTP/1.0 has neither trailers nor chunks, so its clients can't detect a truncated response.
//
// # How a tool ends
//
// A tool and the processes that it starts are one process group. The server sends SIGTERM to the
// group, and SIGKILL when -grace is over, if the client disconnects or reads no output for ten
// seconds, if -timeout is over, if one of the sizes is exceeded, and if the server is shut down. It
// ends the processes that remain in the group in the same way when the tool has ended, provided
// that none of them has the standard output or standard error of the tool open.
//
// Request bodies are kept in memory: at most -max bodies of at most -max-body each.
//
// # Shutdown
//
// After SIGTERM or an interrupt (Ctrl-C), the server accepts neither connections nor requests.
// Requests in progress, including those still being received, may continue for -drain. Then the
// server ends their tools, and exits when the last response is sent and the last child is reaped. A
// second signal ends the tools immediately. A third one terminates the server and, on Linux, its
// tools.
//
// # Debug pages
//
// With -debug, the server also serves
//
//	/debug/execx  a page with the live commands, the requests that they serve, and
//	              the counters of execx
//	/debug/vars   the same as JSON, by package expvar, which adds the command line and the
//	              memory statistics of the server
//
// The pages require no password, and show the addresses of clients, even to other users of the
// machine. To keep them from becoming public by accident,
//
//   - they are off by default, and never served on -addr;
//   - an address without a host, such as ":8081", means 127.0.0.1, not every address;
//   - on a loopback address, the Host of a request must be localhost or an IP address: otherwise a
//     web site could resolve its own name to 127.0.0.1, and read the pages through a browser on
//     this machine;
//   - the server logs a warning if other machines can reach the address.
//
// From another machine, use SSH:
//
//	ssh -L 8081:localhost:8081 server
//
// # Log
//
// The server writes a line for each request to standard error, see log.go.
//
// # Exit status
//
//	0  the server was shut down, and no process remains
//	1  something failed
//	2  the command line is invalid
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"
)

const (
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	first, stop := context.WithCancel(context.Background())
	second, end := context.WithCancel(context.Background())
	go func() {
		<-signals
		stop()
		<-signals
		signal.Stop(signals) // the next one has its default effect
		end()
	}()
	os.Exit(run(first, second, os.Args[1:], os.Stderr))
}

// run is main without its dependencies on the process. It shuts the server down when stop is done,
// ends the remaining tools when now is done, and returns the exit status.
func run(stop, now context.Context, args []string, stderr io.Writer) int {
	o := options{writeTimeout: 10 * time.Second}
	flags := flag.NewFlagSet("httpserver", flag.ContinueOnError)
	flags.SetOutput(stderr)
	addr := flags.String("addr", "127.0.0.1:8080", "listen at `address`")
	debug := flags.String("debug", "", "serve the debug pages at `address`")
	flags.IntVar(&o.max, "max", 16, "run at most this many `tools` at once")
	flags.DurationVar(&o.timeout, "timeout", 30*time.Second, "how long a request may take")
	flags.DurationVar(&o.grace, "grace", 5*time.Second, "how long a tool may take to end after SIGTERM")
	flags.DurationVar(&o.drain, "drain", 0, "how long requests may continue when the server shuts down")
	flags.Int64Var(&o.maxBody, "max-body", 8<<20, "the maximum size of a request, in `bytes`")
	flags.Int64Var(&o.maxOutput, "max-output", 64<<20, "the maximum size of a response, in `bytes`")
	flags.Usage = func() {
		fmt.Fprintln(stderr, "usage: httpserver [flags]")
		flags.PrintDefaults()
	}
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return exitUsage
	case o.drain < 0 || o.max < 1 || o.timeout <= 0 || o.grace <= 0 || o.maxBody < 1 || o.maxOutput < 1:
		fmt.Fprintln(stderr, "httpserver: limits must be positive; only -drain may be 0")
		return exitUsage
	case flags.NArg() > 0:
		flags.Usage()
		return exitUsage
	}

	log := slog.New(slog.NewTextHandler(stderr, nil))
	listener, err := net.Listen("tcp", *addr)
	if err != nil {
		log.Error("can't listen", "err", err)
		return exitFailed
	}
	s := newServer(o, installed(log, tools), log)
	if *debug != "" {
		l, err := listenDebug(*debug)
		if err != nil {
			log.Error("can't listen for the debug pages", "err", err)
			return exitFailed
		}
		s.publish()
		defer s.serveDebug(l)()
	}
	if err := s.serve(stop, now, listener); err != nil {
		log.Error("failed", "err", err)
		return exitFailed
	}
	return 0
}
