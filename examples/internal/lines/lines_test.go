package lines

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestCopy(t *testing.T) {
	long := strings.Repeat("x", MaxLength)
	for text, want := range map[string]string{
		"":              "",
		"\n":            "a | \n",
		"b\n":           "a | b\n",
		"b\nc":          "a | b\na | c\n",
		"b\r\n\nc\n":    "a | b\na | \na | c\n",
		long + "x\ny\n": "a | " + long + "\na | x\na | y\n",
	} {
		var got bytes.Buffer
		assert.NoError(t, NewWriter(&got).Copy("a | ", strings.NewReader(text)))
		assert.Equal(t, want, got.String(), "%q", text)
	}
}

// Each line is written in one piece, whoever else writes.
func TestOnePiece(t *testing.T) {
	pieces := make(map[string]int)
	w := NewWriter(writerFunc(func(b []byte) (int, error) {
		pieces[string(b)]++
		return len(b), nil
	}))
	var wg sync.WaitGroup
	for _, name := range []string{"a ", "b "} {
		wg.Go(func() { assert.NoError(t, w.Copy(name, strings.NewReader(strings.Repeat("x\n", 100)))) })
	}
	wg.Wait()
	assert.Equal(t, map[string]int{"a x\n": 100, "b x\n": 100}, pieces)
}

func TestWriteError(t *testing.T) {
	broken := errors.New("broken")
	r := strings.NewReader("b\nc\n" + strings.Repeat("x", 3*MaxLength))
	w := NewWriter(writerFunc(func([]byte) (int, error) { return 0, broken }))
	assert.ErrorIs(t, w.Copy("a | ", r), broken)
	rest, _ := io.ReadAll(r)
	assert.NotEmpty(t, rest)
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }
