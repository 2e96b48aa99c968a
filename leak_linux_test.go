package execx_test

import (
	"bytes"
	"context"
	"flag"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"go.execx.dev/execx"
	"go.execx.dev/internal/cmdtest"
	"go.execx.dev/internal/proctest"
)

var (
	seed        = flag.Uint64("seed", uint64(time.Now().UnixNano()), "of the random choices of the tests")
	randomLives = flag.Int("lives", 2000, "how many commands TestRandomLives starts")
)

// A handler that never waits for the commands it starts would exhaust the resources of a server.
func TestForgetfulServer(t *testing.T) {
	const clients, requests = 50, 10
	proctest.NoLeaks(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := execx.CommandContext(r.Context(), "echo", "out")
		if r.URL.Query().Has("background") {
			c = execx.Command("echo", "out")
		}
		if r.URL.Query().Has("copy") {
			c.Stdout = new(bytes.Buffer)
			if err := c.Start(); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
			}
			return
		}
		stdout, err := c.StdoutPipe()
		if err == nil {
			err = c.Start()
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		io.Copy(w, stdout)
	}))
	defer server.Close()
	defer server.Client().CloseIdleConnections()

	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			for i := range requests {
				response, err := server.Client().Get(server.URL + []string{"?", "?background", "?copy", "?copy&background"}[i%4])
				if !assert.NoError(t, err) {
					return
				}
				body, err := io.ReadAll(response.Body)
				response.Body.Close()
				assert.NoError(t, err)
				assert.Equal(t, http.StatusOK, response.StatusCode)
				if i%4 < 2 {
					assert.Equal(t, "out\n", string(body))
				}
			}
		})
	}
	all.Wait()
	proctest.Collect(t, proctest.NoChildren, "not reaped")
	cmdtest.DrainOrphans(t)
}

// lives holds the things that can happen to a started command.
var lives = []struct {
	name string
	live func(t *testing.T, c *execx.Cmd, cancel func())
}{
	{"waited for", func(t *testing.T, c *execx.Cmd, _ func()) {
		c.Process.Signal(syscall.SIGTERM)
		c.Wait()
	}},
	{"waited for by many", func(t *testing.T, c *execx.Cmd, _ func()) {
		result := c.WaitChan(t.Context())
		c.WaitChan(t.Context())
		c.Kill()
		proctest.Receive(t, result)
	}},
	{"waited for in vain", func(t *testing.T, c *execx.Cmd, cancel func()) {
		ctx, leave := context.WithCancel(t.Context())
		c.WaitChan(ctx)
		leave()
		c.Kill()
	}},
	{"closed", func(t *testing.T, c *execx.Cmd, _ func()) { c.Close(); c.Kill() }},
	{"killed, closed", func(t *testing.T, c *execx.Cmd, _ func()) { c.Kill(); c.Close() }},
	{"closed while waited for", func(t *testing.T, c *execx.Cmd, _ func()) {
		result := c.WaitChan(t.Context())
		c.KillOnClose = true
		c.Close()
		proctest.Receive(t, result)
	}},
	{"dropped", func(t *testing.T, c *execx.Cmd, _ func()) { c.Kill() }},
	{"cancelled", func(t *testing.T, c *execx.Cmd, cancel func()) { cancel() }},
	{"cancelled, waited for", func(t *testing.T, c *execx.Cmd, cancel func()) { cancel(); c.Wait() }},
	{"closed, cancelled", func(t *testing.T, c *execx.Cmd, cancel func()) { c.Close(); cancel() }},
	{"shut down", func(t *testing.T, c *execx.Cmd, _ func()) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		c.Shutdown(ctx)
	}},
	{"killed by somebody else", func(t *testing.T, c *execx.Cmd, _ func()) {
		syscall.Kill(c.Process.Pid, syscall.SIGKILL)
		c.Wait()
	}},
	{"stolen", func(t *testing.T, c *execx.Cmd, _ func()) {
		c.Kill()
		syscall.Wait4(c.Process.Pid, nil, 0, nil)
	}},
	{"stolen, waited for", func(t *testing.T, c *execx.Cmd, _ func()) {
		result := c.WaitChan(t.Context())
		c.Kill()
		syscall.Wait4(c.Process.Pid, nil, 0, nil)
		proctest.Receive(t, result)
	}},
	{"reaped by os", func(t *testing.T, c *execx.Cmd, _ func()) {
		c.Kill()
		c.Process.Wait()
		c.Close()
	}},
}

// However commands end, and whatever streams they have, nothing is left behind.
func TestRandomLives(t *testing.T) {
	n := *randomLives
	if testing.Short() {
		n = min(n, 400)
	}
	proctest.NoLeaks(t)
	t.Logf("-seed=%d", *seed)
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	for worker := range 8 {
		random := rand.New(rand.NewPCG(*seed, uint64(worker)))
		all.Go(func() {
			for range n / 8 {
				liveAtRandom(ctx, t, random)
			}
		})
	}
	all.Wait()
	proctest.Collect(t, proctest.NoChildren, "not reaped")
	cmdtest.DrainOrphans(t)
	assert.LessOrEqual(t, proctest.Threads(t), 8+runtime.GOMAXPROCS(0)+40)
	cancel()
}

// liveAtRandom starts a command and lets one of lives happen to it.
func liveAtRandom(ctx context.Context, t *testing.T, random *rand.Rand) {
	own, cancel := context.WithCancel(ctx)
	context.AfterFunc(ctx, cancel)
	c := execx.CommandContext(own, "cat")
	switch random.IntN(3) {
	case 0:
		c = execx.Command("true")
	case 1:
		c.Args = append(c.Args, "/dev/zero")
	}
	c.KillOnClose = true
	c.ProcessGroup = random.IntN(4) == 0
	if random.IntN(8) == 0 {
		c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	}
	switch random.IntN(4) {
	case 0:
		c.Stdout = io.Discard
	case 1:
		c.Stdin, c.Stdout = strings.NewReader("in"), io.Discard
	case 2:
		c.StdinPipe()
		c.StdoutPipe()
	}
	if random.IntN(4) == 0 {
		c.WaitDelay = time.Duration(random.IntN(1000)) * time.Microsecond
	}
	life := lives[random.IntN(len(lives))]
	if !assert.NoError(t, c.Start()) {
		return
	}
	life.live(t, c, cancel)
	if random.IntN(2) == 0 {
		cancel()
	}
}
