package lines

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/internal/proctest"
)

func prefix() string { return "a | " }

func TestCopy(t *testing.T) {
	long := strings.Repeat("x", MaxLength)
	for _, test := range []struct{ text, want string }{
		{"", ""},
		{"\n", "a | \n"},
		{"b\n", "a | b\n"},
		{"b\nc", "a | b\na | c\n"},
		{"b\r\n\nc\n", "a | b\na | \na | c\n"},
		{long + "x\ny\n", "a | " + long + "\na | x\na | y\n"},
	} {
		var got bytes.Buffer
		NewWriter(&got).Copy(prefix, strings.NewReader(test.text))
		assert.Equal(t, test.want, got.String(), "%q", test.text)
	}
}

// Complete lines are written at once, in a single write. Copy does not wait for the rest of an
// incomplete line.
func TestAtOnce(t *testing.T) {
	r, pipe := io.Pipe()
	writes := make(chan string)
	w := NewWriter(writerFunc(func(b []byte) (int, error) {
		writes <- string(b)
		return len(b), nil
	}))
	var copying sync.WaitGroup
	copying.Go(func() { w.Copy(prefix, r) })
	for _, step := range []struct{ text, want string }{
		{"b\nc\nd", "a | b\na | c\n"},
		{"e\n", "a | de\n"},
	} {
		io.WriteString(pipe, step.text)
		got, _ := proctest.Receive(t, writes)
		assert.Equal(t, step.want, got)
	}
	pipe.Close()
	copying.Wait()
}

// Each line is written in one piece, even with concurrent writers.
func TestOnePiece(t *testing.T) {
	var got strings.Builder
	w := NewWriter(&got)
	var all sync.WaitGroup
	for _, name := range []string{"a", "b"} {
		all.Go(func() { w.Copy(func() string { return name }, strings.NewReader(strings.Repeat("x\n", 10_000))) })
		all.Go(func() { w.WriteLine(name + "x") })
	}
	all.Wait()
	assert.Equal(t, 10_001, strings.Count(got.String(), "ax\n"))
	assert.Equal(t, 10_001, strings.Count(got.String(), "bx\n"))
	assert.Len(t, got.String(), 2*3*10_001)
}

// Lost lines are counted. When writing succeeds again, the next line starts on a new line.
func TestLost(t *testing.T) {
	full := errors.New("full")
	var got strings.Builder
	left := 8
	w := NewWriter(writerFunc(func(b []byte) (int, error) {
		n := min(left, len(b))
		left -= n
		got.Write(b[:n])
		if n < len(b) {
			return n, full
		}
		return n, nil
	}))
	changes := func() int { return len(w.Changed()) }
	write := func(n int) {
		for i := range n {
			w.WriteLine(fmt.Sprintf("line%d", i))
		}
	}

	write(1)
	assert.Zero(t, w.Lost())
	assert.Zero(t, changes())
	write(3)
	assert.Equal(t, Loss{Lines: 3, Bytes: 4 + 6 + 6, Err: full}, w.Lost())
	require.Equal(t, 1, changes())
	<-w.Changed()
	write(1)
	assert.Zero(t, changes(), "no change")
	left = 100
	write(1)
	require.Equal(t, 1, changes())
	<-w.Changed()
	assert.NoError(t, w.Lost().Err)
	assert.Equal(t, "line0\nli\nline0\n", got.String())
}

func TestSwap(t *testing.T) {
	var a, b strings.Builder
	w := NewWriter(&a)
	w.WriteLine("1")
	assert.Same(t, &a, w.Swap(&b))
	w.WriteLine("2")
	assert.Equal(t, "1\n", a.String())
	assert.Equal(t, "2\n", b.String())
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }
