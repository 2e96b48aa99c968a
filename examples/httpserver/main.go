// Httpserver runs commands for HTTP clients, and is meant to be a start for a server that does:
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
//		Listen there (default 127.0.0.1:8080). Port 0 is any free one, which
//		the log tells.
//	-debug address
//		Serve the debug pages there, as in ":8081" (default nowhere). Without a
//		host they are for this machine alone. See below.
//	-max tools
//		Run at most so many tools at once (default 16).
//	-timeout duration
//		How long a request may take (default 30s).
//	-grace duration
//		How long a tool may take to end when it is asked to (default 5s).
//	-drain duration
//		How long requests may go on when the server shuts down (default 0: they
//		are ended).
//	-max-body bytes, -max-output bytes
//		The size of a request, and that of a response (default 8 MiB and
//		64 MiB).
//
// # Requests
//
// POST /run/{tool} runs one of a fixed list of tools, see tools.go. The body is its standard input,
// and is received to its end before the tool is started. The body of the response is its standard
// output, sent as it comes. The client chooses a tool by its name, and has no other influence on
// the command line; nothing goes through a shell. A tool runs in an empty directory of its own,
// which is its TMPDIR, too.
//
// GET /healthz answers 200, or 503 once the server shuts down.
//
// # Responses
//
// The status is 200 as soon as there is output. How the tool has ended is not known then, and is
// told by the trailer Exit-Status:
//
//	0, 1, 2 ...       the exit code of the tool
//	signal: aborted   the tool has crashed, or somebody has killed it; and other signals
//	timed out         the server has ended the tool because -timeout was over
//	output too large  the server has ended the tool because of -max-output
//
// A client must look at it, because output that was cut short by a limit looks complete otherwise.
// A response that breaks off, without a last chunk and a trailer, is due to the server, which was
// shut down or has crashed, or to the network. If there is no output, the status tells:
//
//	200  the tool has succeeded: Exit-Status is 0
//	400  the body could not be read
//	404  there is no such tool
//	413  the body is larger than -max-body
//	422  the tool has failed: the body is its standard error
//	500  the tool could not be started, or was ended by a signal
//	503  -max tools are running or being sent their input, or the server shuts
//	     down; see Retry-After
//	504  the request has timed out: -timeout is over
//
// HTTP/1.0 knows neither trailers nor chunks, and its clients can't tell a response that is cut
// short.
//
// # How a tool ends
//
// A tool and all that it starts are one process group. All of it is sent SIGTERM, and SIGKILL once
// -grace is over, when the client has gone away or has not taken any output for ten seconds, when
// -timeout is over, when one of the sizes is exceeded, and when the server is shut down. What a
// tool has left behind, without keeping its output or its error output open, is ended in the same
// way when the tool has.
//
// Bodies are kept in memory: of up to -max tools, up to -max-body each.
//
// # Shutdown
//
// After SIGTERM or an interrupt (Ctrl-C), the server accepts neither connections nor requests.
// Requests that have begun, including those still being received, may go on for -drain. Then their
// tools are ended, and the server exits when the last response is sent and the last child is
// reaped. A second signal ends the tools at once. A third one ends the server and, on Linux, its
// tools with it.
//
// # Debug pages
//
// With -debug, the server also serves
//
//	/debug/execx  a page with the live commands, the requests that they run for, and
//	              the counters of execx
//	/debug/vars   the same as JSON, by package expvar, which adds the command line and the
//	              memory statistics of the server
//
// The pages ask for no password and show the addresses of clients, also to other users of the
// machine. So that they do not become public by accident,
//
//   - they are off by default, and never served at -addr;
//   - an address without a host, such as ":8081", means 127.0.0.1 here, and not every address;
//   - on a loopback address, the Host of a request must be localhost or an IP address: otherwise a
//     web site could point its own name to 127.0.0.1, and have a browser on this machine read the
//     pages for it;
//   - the log has a warning if other machines can reach the address.
//
// From another machine, use SSH:
//
//	ssh -L 8081:localhost:8081 server
//
// # Log
//
// Standard error gets a line for each request, see log.go.
//
// # Exit status
//
//	0  the server was shut down, and has left nothing behind
//	1  something failed
//	2  httpserver was called in a wrong way
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
		signal.Stop(signals) // the next one is not ours
		end()
	}()
	os.Exit(run(first, second, os.Args[1:], os.Stderr))
}

// run is main, but for what it takes from the process. It shuts down when stop is done, ends what
// still runs when now is, and returns the exit status.
func run(stop, now context.Context, args []string, stderr io.Writer) int {
	o := options{writeTimeout: 10 * time.Second}
	flags := flag.NewFlagSet("httpserver", flag.ContinueOnError)
	flags.SetOutput(stderr)
	addr := flags.String("addr", "127.0.0.1:8080", "listen at `address`")
	debug := flags.String("debug", "", "serve the debug pages at `address`")
	flags.IntVar(&o.max, "max", 16, "run at most so many `tools` at once")
	flags.DurationVar(&o.timeout, "timeout", 30*time.Second, "how long a request may take")
	flags.DurationVar(&o.grace, "grace", 5*time.Second, "how long a tool may take to end when it is asked to")
	flags.DurationVar(&o.drain, "drain", 0, "how long requests may go on when the server shuts down")
	flags.Int64Var(&o.maxBody, "max-body", 8<<20, "the size of a request, in `bytes`")
	flags.Int64Var(&o.maxOutput, "max-output", 64<<20, "the size of a response, in `bytes`")
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
		fmt.Fprintln(stderr, "httpserver: no limit may be negative, nor zero but for -drain")
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
