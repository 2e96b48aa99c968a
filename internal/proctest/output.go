package proctest

import (
	"bytes"
	"strings"
	"sync"
	"testing"
)

// Output is a writer, of a command for instance, whose text can be read while it is written.
type Output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *Output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(b)
}

// String returns all that was written so far.
func (o *Output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// Await waits until the output has text in it n times.
func (o *Output) Await(t testing.TB, n int, text string) {
	t.Helper()
	Until(t, func() bool { return strings.Count(o.String(), text) >= n }, "%q is not there %d times", text, n)
}
