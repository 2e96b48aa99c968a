package main

import (
	"io"
	"os"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"go.execx.dev/internal/proctest"
)

// showGroup prints whether the shell that runs it is in the foreground process group of its
// terminal.
const showGroup = `show() { read pid comm state ppid group session tty foreground rest </proc/self/stat
	[ $group = $foreground ] && echo foreground || echo background; }; show; `

// startOnTerminal starts a container whose PID 1 is the session leader of a terminal. c.out records
// what the terminal shows.
func startOnTerminal(t *testing.T, args ...string) (c *container, user *os.File) {
	t.Helper()
	user, tty := proctest.Terminal(t)
	c = newContainer(t, args...)
	shown := make(chan struct{})
	go func() {
		defer close(shown)
		io.Copy(&c.out, user) // until no process has the terminal open
	}()
	t.Cleanup(func() { proctest.Receive(t, shown) })
	c.Stdin, c.Stdout, c.Stderr = tty, tty, tty
	c.SysProcAttr.Setsid, c.SysProcAttr.Setctty = true, true
	require.NoError(t, c.Start())
	require.NoError(t, tty.Close())
	return c, user
}

func write(t *testing.T, user *os.File, text string) {
	t.Helper()
	_, err := user.WriteString(text)
	require.NoError(t, err)
}

// The command is in the foreground, so it can read from the terminal.
func TestTerminal(t *testing.T) {
	forInits(t, func(t *testing.T, init string) {
		c, user := startOnTerminal(t, append([]string{init}, sh(showGroup+`read line; echo "<$line>"; exit 3`)...)...)
		c.out.Await(t, 1, "foreground\r\n")
		write(t, user, "some text\n")
		require.Equal(t, 3, c.wait(t), c.out.String())
		c.out.Await(t, 1, "<some text>\r\n")
	})
}

// The command receives the signals of the terminal's keys and of changes of the window size.
func TestKeys(t *testing.T) {
	forInits(t, func(t *testing.T, init string) {
		c, user := startOnTerminal(t, init, "--", "listen")
		c.out.Await(t, 1, "listening\r\n")
		for _, key := range []struct{ key, signal string }{
			{"\x03", "got 2\r\n"}, {"\x1c", "got 3\r\n"}, {"\x1a", "got 20\r\n"},
		} {
			write(t, user, key.key)
			c.out.Await(t, 1, key.signal)
		}
		conn, err := user.SyscallConn()
		require.NoError(t, err)
		require.NoError(t, conn.Control(func(fd uintptr) {
			err = unix.IoctlSetWinsize(int(fd), unix.TIOCSWINSZ, &unix.Winsize{Row: 33, Col: 99})
		}))
		require.NoError(t, err)
		c.out.Await(t, 1, "got 28\r\n")
		c.kill(t, syscall.SIGTERM)
		require.Equal(t, 7, c.wait(t), c.out.String())
	})
}

// Ctrl-Z stops a command that does not catch SIGTSTP, and sending SIGCONT to init resumes it.
func TestCtrlZ(t *testing.T) {
	forInits(t, func(t *testing.T, init string) {
		c, user := startOnTerminal(t, append([]string{init}, sh("echo ready; read line; exit 3")...)...)
		c.out.Await(t, 1, "ready\r\n")
		command := c.child(t)
		write(t, user, "\x1a")
		proctest.Until(t, func() bool { return proctest.State(command) == 'T' }, "not stopped")
		c.kill(t, syscall.SIGCONT)
		proctest.Until(t, func() bool { return proctest.State(command) == 'S' }, "not resumed")
		write(t, user, "\n")
		require.Equal(t, 3, c.wait(t), c.out.String())
	})
}

// The command receives SIGHUP when the terminal hangs up.
func TestHangup(t *testing.T) {
	forInits(t, func(t *testing.T, init string) {
		c, user := startOnTerminal(t, append([]string{init}, sh(`trap 'echo hangup >file; exit 3' HUP
			echo ready; while :; do sleep 0.01; done`)...)...)
		c.out.Await(t, 1, "ready\r\n")
		require.NoError(t, user.Close())
		require.Equal(t, 3, c.wait(t), c.out.String())
	})
}

// Init can write its messages to a terminal even if the terminal stops writers in the background.
func TestMessageOnTerminal(t *testing.T) {
	forInits(t, func(t *testing.T, init string) {
		for _, command := range []string{"nothing", "./badscript"} {
			c, _ := startOnTerminal(t, "sh", "-c", `printf '#!/no/such/interpreter\n' >badscript; chmod 700 badscript
				stty tostop; exec "$@"`, "sh", init, "--", command)
			require.Equal(t, 127, c.wait(t), c.out.String())
			c.out.Await(t, 1, command)
		}
	})
}

// SIGTTIN and SIGTTOU have their default disposition in the command: its background jobs are
// stopped when they use the terminal.
func TestBackgroundOfCommand(t *testing.T) {
	const stopped = `
		until grep -q '^State:.T' /proc/$!/status; do sleep 0.01; done; echo stopped; kill -KILL $!
		`
	forInits(t, func(t *testing.T, init string) {
		c, _ := startOnTerminal(t, append([]string{init}, sh(`set -m; stty tostop
			cat </dev/tty &`+stopped+`echo text &`+stopped+`exec false # exit would complain about stopped jobs`)...)...)
		require.Equal(t, 1, c.wait(t), c.out.String())
		c.out.Await(t, 2, "stopped\r\n")
	})
}

// If init is in the background, it does not make its command the foreground process group. Tini
// does.
func TestInitInBackground(t *testing.T) {
	forInits(t, func(t *testing.T, init string) {
		run := init + ` -s -- sh -c '` + showGroup + `'`
		if init == "init" {
			run = init + ` sh -c '` + showGroup + `'`
		}
		c, _ := startOnTerminal(t, "sh", "-c", "set -m; "+run+"; "+run+" & wait $!; exit 3")
		require.Equal(t, 3, c.wait(t), c.out.String())
		want := "foreground\r\nbackground\r\n"
		if init == "tini" {
			want = "foreground\r\nforeground\r\n"
		}
		c.out.Await(t, 1, want)
	})
}
