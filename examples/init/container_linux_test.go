package main

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"go.execx.dev/execx"
	"go.execx.dev/internal/proctest"
)

// roles maps each name by which the test binary can be called to the program that it runs then.
var roles = map[string]func(args []string){
	"init":      func([]string) { main() },
	"container": enter,
	"listen":    listen,
	"block":     block,
	"pending":   pending,
	"early":     early,
}

func TestMain(m *testing.M) {
	if role := roles[filepath.Base(os.Args[0])]; role != nil {
		role(os.Args[1:])
		os.Exit(1)
	}
	// If PATH contains a directory that may not be searched, execvp(3) fails with EACCES for a
	// command that does not exist.
	os.Setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
	goleak.VerifyTestMain(proctest.Checked(m))
}

// enter executes args as PID 1 of the namespaces in which it was started.
func enter(args []string) {
	err := unix.Mount("none", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")
	if err == nil {
		err = unix.Mount("proc", "/proc", "proc", 0, "")
	}
	if err == nil {
		err = replace(args)
	}
	fmt.Println("container:", err)
}

func replace(args []string) error {
	path, err := exec.LookPath(args[0])
	if err != nil {
		return err
	}
	return syscall.Exec(path, args, os.Environ())
}

// listen prints the signals that it receives, up to SIGTERM. When it is ready, it prints
// "listening" and creates the file that its argument names. It cannot distinguish SIGURG and
// SIGPROF from those of the Go runtime.
func listen(args []string) {
	signals := make(chan os.Signal, 64)
	signal.Notify(signals)
	fmt.Println("listening")
	if len(args) > 0 {
		os.WriteFile(args[0], nil, 0o600)
	}
	for sig := range signals {
		if sig != syscall.SIGURG {
			fmt.Printf("got %d\n", sig)
		}
		if sig == syscall.SIGTERM {
			os.Exit(7)
		}
	}
}

// block executes args with SIGUSR1 blocked.
func block(args []string) {
	runtime.LockOSThread()
	set := &unix.Sigset_t{}
	set.Val[0] = 1 << (syscall.SIGUSR1 - 1)
	if err := unix.PthreadSigmask(unix.SIG_BLOCK, set, nil); err != nil {
		panic(err)
	}
	panic(replace(args))
}

// pending, executed by block, executes args with SIGUSR1 pending.
func pending(args []string) {
	syscall.Kill(os.Getpid(), syscall.SIGUSR1)
	panic(replace(args))
}

// early is init without flags. It receives SIGUSR1 just before it starts the command.
func early(args []string) {
	signals := catch()
	syscall.Kill(os.Getpid(), syscall.SIGUSR1)
	for len(signals) == 0 {
		runtime.Gosched()
	}
	os.Exit(run(signals, options{command: args, grace: time.Hour}))
}

// A container is a program that runs as PID 1.
type container struct {
	*execx.Cmd
	dir string          // the working directory, which is also the first in PATH
	out proctest.Output // the output of all processes of the container
}

// newContainer returns a container that runs args.
func newContainer(t *testing.T, args ...string) *container {
	t.Helper()
	c := &container{dir: t.TempDir()}
	self, err := os.Executable()
	require.NoError(t, err)
	for name := range roles {
		require.NoError(t, os.Symlink(self, filepath.Join(c.dir, name)))
	}
	c.Cmd = execx.Command(filepath.Join(c.dir, "container"), args...)
	c.Dir = c.dir
	c.Env = append(os.Environ(), "PATH="+c.dir+":"+os.Getenv("PATH"), "GORACE=atexit_sleep_ms=0")
	c.Stdout, c.Stderr = &c.out, &c.out
	c.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS,
		Pdeathsig:  syscall.SIGKILL, // in case the tests time out
	}
	if uid, gid := os.Getuid(), os.Getgid(); uid != 0 {
		c.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		c.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: uid, Size: 1}}
		c.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: gid, Size: 1}}
	}
	t.Cleanup(func() {
		if c.Kill() == nil {
			c.Wait()
		}
	})
	return c
}

// start starts a container that runs args.
func start(t *testing.T, args ...string) *container {
	t.Helper()
	c := newContainer(t, args...)
	require.NoError(t, c.Start())
	return c
}

func (c *container) file(t *testing.T, name, text string, perm os.FileMode) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(c.dir, name), []byte(text), perm))
}

// wait waits for the container to exit and returns its exit status.
func (c *container) wait(t *testing.T) int {
	t.Helper()
	_, ok := proctest.Receive(t, c.WaitChan(t.Context()))
	require.True(t, ok)
	return c.ProcessState.ExitCode()
}

// needsContainers skips the test if containers cannot be started here.
func needsContainers(t *testing.T) {
	t.Helper()
	c := newContainer(t, "true")
	if err := c.Run(); err != nil {
		t.Skipf("needs PID namespaces: %v %s", err, c.out.String())
	}
}

// forInits runs f for this program, and also for tini, to check that both behave the same.
func forInits(t *testing.T, f func(t *testing.T, init string)) {
	needsContainers(t)
	for _, init := range []string{"init", "tini"} {
		t.Run(init, func(t *testing.T) {
			if _, err := exec.LookPath(init); err != nil && init == "tini" {
				t.Skip("needs tini, to compare with:", err)
			}
			f(t, init)
		})
	}
}
