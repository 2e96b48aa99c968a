package execx_test

import (
	"context"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/execx"
	"go.execx.dev/internal/proctest"
)

var soakFor = flag.Duration("soak", time.Second, "how long TestSoak runs")

// TestSoak calls the methods of commands from many goroutines, in random order and concurrently.
// All callers must get the same result, and nothing may be left behind. The process is a subreaper,
// so that processes left behind by commands are found, too.
func TestSoak(t *testing.T) {
	proctest.Slow(t)
	t.Logf("-seed=%d", *seed)
	if !proctest.Apart(t, func(c *exec.Cmd) {
		c.Args = append(c.Args, fmt.Sprintf("-soak=%v", *soakFor), fmt.Sprintf("-seed=%d", *seed),
			fmt.Sprintf("-test.timeout=%v", *soakFor+2*proctest.Deadline))
	}) {
		return
	}
	proctest.BecomeSubreaper(t)
	execx.Command("true").Run() // creates what is created once and stays
	proctest.NoLeaks(t)
	reaping, stop := context.WithCancel(t.Context())
	var reaper sync.WaitGroup
	reaper.Go(func() { execx.ReapAdopted(reaping) })

	groups := 30
	if *soakFor > 10*time.Second {
		groups = 300
	}
	endGroups(t, groups)

	before := execx.ReadStats()
	over := time.After(*soakFor)
	ended := make(chan struct{})
	var workers sync.WaitGroup
	for i := range 4 * runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			r := rand.New(rand.NewPCG(*seed, uint64(i)))
			for {
				select {
				case <-ended:
					return
				default:
					newSoaked(t, r).run()
				}
			}
		})
	}
	<-over
	close(ended)
	workers.Wait()
	proctest.Until(t, func() bool {
		runtime.GC() // finds dropped commands
		return proctest.NoChildren()
	}, "children are left")
	assert.NoError(t, execx.DrainOrphans(t.Context()))
	assert.Empty(t, execx.Live())
	stop()
	reaper.Wait()
	after := execx.ReadStats()
	t.Logf("%+v", after)
	assert.Greater(t, after.Started, before.Started)
	assert.LessOrEqual(t, after.Started-before.Started, after.Reaped-before.Reaped)
}

// endGroups ends n groups at once by one context. Some of them have to be killed.
func endGroups(t *testing.T, n int) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var ready, ended sync.WaitGroup
	for range n {
		c := execx.CommandContext(ctx, "sh", "-c", "(trap '' TERM; exec sleep 1000) & echo; sleep 1000 & wait")
		c.ProcessGroup, c.GracePeriod = true, 200*time.Millisecond
		stdout, err := c.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, c.Start())
		ready.Go(func() {
			_, err := io.ReadFull(stdout, make([]byte, 1))
			assert.NoError(t, err)
			stdout.Close()
		})
		ended.Go(func() {
			assert.EqualError(t, c.Wait(), "signal: terminated")
			assert.Equal(t, os.ErrProcessDone, c.Kill())
			c.Close()
		})
	}
	ready.Wait()
	cancel()
	ended.Wait()
}
