package main

import (
	"bufio"
	"context"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/execx"
	"go.execx.dev/internal/proctest"
)

// Of 200 concurrent clients, a third disconnect midway. Their tools are ended, and the others get
// their complete output.
func TestMany(t *testing.T) {
	proctest.Slow(t)
	const n, leaving = 200, (200 + 2) / 3
	name, w := gate(t)
	s := serving(t, "exec 3<"+name+"; cat; read x <&3; exec head -c 100000 /dev/zero", func(o *options) { o.max = n })
	var connected, done sync.WaitGroup
	all := make(chan struct{})
	connected.Add(n)
	for i := range n {
		done.Go(func() {
			ctx, leave := context.WithCancel(t.Context())
			defer leave()
			resp, err := s.request(ctx, "script", strings.NewReader("first\n"))
			if err != nil {
				connected.Done()
				assert.NoError(t, err)
				return
			}
			defer resp.Body.Close()
			out := bufio.NewReader(resp.Body)
			line, err := out.ReadString('\n')
			connected.Done()
			assert.NoError(t, err)
			assert.Equal(t, "first\n", line)
			<-all

			if i%3 == 0 {
				leave()
				return
			}
			size, err := io.Copy(io.Discard, out)
			assert.NoError(t, err)
			assert.EqualValues(t, 100_000, size)
			assert.Equal(t, "0", resp.Trailer.Get(exitStatus))
		})
	}
	connected.Wait()
	assert.Len(t, s.slots, n)
	assert.Len(t, proctest.Children(), n)
	close(all)
	proctest.Until(t, func() bool { return len(s.slots) == n-leaving }, "tools of clients that are gone still run")
	w.Close() // the other clients continue
	done.Wait()

	s.idle(t)
	require.NoError(t, execx.DrainOrphans(t.Context()))
	assert.Empty(t, proctest.Children())
	gone := 0
	for range n {
		if s.log.next(t).Cut != "" {
			gone++
		}
	}
	assert.Equal(t, leaving, gone)
}
