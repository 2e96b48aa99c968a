package main

import (
	"bufio"
	"context"
	"io"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/execx"
	"go.execx.dev/internal/proctest"
)

// 200 clients at once, a third of which disconnect half-way.
func TestMany(t *testing.T) {
	const n = 200
	s := serving(t, "", func(o *options) { o.max = n })
	var connected, done sync.WaitGroup
	all := make(chan struct{})
	connected.Add(n)
	for i := range n {
		done.Go(func() {
			ctx, leave := context.WithCancel(t.Context())
			defer leave()
			body, w := io.Pipe()
			defer w.Close()
			go io.WriteString(w, "first\n")
			resp, err := s.request(ctx, "cat", body)
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
			go func() {
				io.CopyN(w, zeros{}, 100_000)
				w.Close()
			}()
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
	assert.Equal(t, (n+2)/3, gone)
}
