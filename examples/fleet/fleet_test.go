package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/stretchr/testify/require"

	"go.execx.dev/execx"
	"go.execx.dev/internal/proctest"
)

// Environment variables that make the test binary run the program, or a server on a port with its
// files in a directory.
const (
	asMain   = "FLEET_MAIN"
	asServer = "FLEET_SERVER"
)

func serve(where string) {
	port, dir, _ := strings.Cut(where, ":")
	n, _ := strconv.Atoi(port)
	s, err := startServer(&server.Options{Host: "127.0.0.1", Port: n, StoreDir: dir})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("ready")
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGTERM)
	<-c
	stopServer(s)
}

// A buffer is a Writer whose contents the test can read while a process writes.
type buffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// A process is the test binary run as another program.
type process struct {
	*execx.Cmd
	t              testing.TB
	stdout, stderr buffer
}

func newProcess(t testing.TB, env string, args ...string) *process {
	self, err := os.Executable()
	require.NoError(t, err)
	p := &process{Cmd: execx.Command(self, args...), t: t}
	p.Env = append(os.Environ(), env)
	p.Stdout, p.Stderr = &p.stdout, &p.stderr
	p.KillOnExit = hasKillOnExit
	return p
}

// start starts the process. It is ended at the end of the test.
func (p *process) start() *process {
	p.t.Helper()
	require.NoError(p.t, p.Start())
	p.t.Cleanup(func() {
		p.Kill()
		p.Wait()
		if p.t.Failed() {
			p.t.Logf("%v wrote:\n%s", p.Args[1:], p.stderr.String())
		}
	})
	return p
}

// says waits until the process has written what to its standard error.
func (p *process) says(what string) {
	p.t.Helper()
	proctest.Until(p.t, func() bool { return strings.Contains(p.stderr.String(), what) }, what)
}

// status waits for the process to end, and returns its exit status.
func (p *process) status() int {
	p.t.Helper()
	ctx, stop := context.WithTimeout(context.Background(), proctest.Deadline)
	defer stop()
	p.WaitContext(ctx)
	require.NotNil(p.t, p.ProcessState, "has not ended")
	return p.ProcessState.ExitCode()
}

func (p *process) ended() bool {
	done, _ := p.TryWait()
	return done
}

// name returns the name of the run that a client started.
func (p *process) name() string {
	p.t.Helper()
	p.says("\n")
	line, _, _ := strings.Cut(p.stderr.String(), "\n")
	return strings.TrimPrefix(line, "fleet: run ")
}

// A fleet is a fleet under test, given by the flags that locate it.
type fleet struct {
	t     testing.TB
	flags []string
}

// local returns a fleet of one machine.
func local(t testing.TB) *fleet {
	dir, err := os.MkdirTemp("", "fleet") // the length of a socket path is limited
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	return &fleet{t, []string{"-dir", dir}}
}

// command returns a process that runs a command of fleet.
func (f *fleet) command(command string, args ...string) *process {
	return newProcess(f.t, asMain+"=1", slices.Concat([]string{command}, f.flags, args)...)
}

// worker starts a worker and waits until it is ready.
func (f *fleet) worker(args ...string) *process {
	f.t.Helper()
	p := f.command("worker", args...).start()
	p.says("ready")
	return p
}

// client starts a run for some lines of input.
func (f *fleet) client(lines string, args ...string) *process {
	f.t.Helper()
	p := f.command("run", args...)
	p.Stdin = io.NopCloser(strings.NewReader(lines))
	return p.start()
}

// run runs a command for each line, and waits for the end.
func (f *fleet) run(lines string, args ...string) (status int, stdout, stderr string) {
	f.t.Helper()
	p := f.client(lines, args...)
	status = p.status()
	_, stderr, _ = strings.Cut(p.stderr.String(), "\n") // skip the line with the name of the run
	return status, p.stdout.String(), stderr
}

// list returns the output of fleet status.
func (f *fleet) list() string {
	f.t.Helper()
	p := f.command("status").start()
	require.Zero(f.t, p.status())
	return p.stdout.String()
}

// A netServer is a server on the loopback interface, in a process of its own, and its fleet.
type netServer struct {
	*fleet
	where string
	*process
}

// ports counts the ports tried. They are outside the system's range of ephemeral ports, so that no
// client gets the port while the server is restarting.
var ports atomic.Int64

func remote(t testing.TB) *netServer {
	t.Helper()
	s := &netServer{fleet: &fleet{t: t}}
	for s.where == "" {
		port := 20000 + (int64(os.Getpid())+ports.Add(1))%10000
		if l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			l.Close()
			s.where = fmt.Sprintf("%d:%s", port, t.TempDir())
			s.flags = []string{"-nats", fmt.Sprintf("nats://127.0.0.1:%d", port)}
		}
	}
	s.begin()
	return s
}

func (s *netServer) begin() {
	s.process = newProcess(s.fleet.t, asServer+"="+s.where).start()
	proctest.Until(s.fleet.t, func() bool { return s.stdout.String() != "" }, "no server")
}

// restart kills the server and starts another one with the same files.
func (s *netServer) restart() {
	s.Kill()
	s.Wait()
	s.begin()
}

// open connects the test to the server until the end of the test.
func (s *netServer) open(ctx context.Context) *store {
	st, leave, err := (&place{url: s.flags[1], replicas: 1}).open(ctx, s.fleet.t.Logf)
	require.NoError(s.fleet.t, err)
	s.fleet.t.Cleanup(leave)
	return st
}

// numbers returns the numbers from 0 to n-1, one per line.
func numbers(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintln(&b, i)
	}
	return b.String()
}

// pidIn waits for a command to write its PID to a file, and returns it.
func pidIn(t testing.TB, file string) (pid int) {
	t.Helper()
	proctest.Until(t, func() bool {
		b, _ := os.ReadFile(file)
		n, err := fmt.Sscanf(string(b), "%d\n", &pid)
		return n == 1 && err == nil
	}, "no PID in %s", file)
	return pid
}
