package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"
)

// status is the progress so far.
type status struct {
	lines   int  // lines read so far
	total   bool // all lines have been read
	done    int  // jobs that have ended
	failed  int  // jobs that have failed
	running int
}

// left returns the text to the left of the progress bar.
func (s status) left() string {
	text := fmt.Sprintf("%d done", s.done)
	if s.total {
		text = fmt.Sprintf("%d/%d", s.done, s.lines)
	}
	if s.failed > 0 {
		text += fmt.Sprintf(", %d failed", s.failed)
	}
	return text
}

// right returns the text to the right of the progress bar, shortened to fit in width columns.
func (s status) right(remaining string, width int) string {
	if !s.total || s.done == 0 {
		remaining = ""
	} else {
		remaining += " left"
	}
	text := fmt.Sprintf("%d running", s.running)
	if remaining != "" {
		text += ", " + remaining
	}
	for _, text := range []string{text, remaining} {
		if len(text) <= width {
			return text
		}
	}
	return ""
}

// A bar shows the status in the last line of a terminal. mpb renders the bar, but does not decide
// when it is written, so that other output can be written in between.
type bar struct {
	w       io.Writer
	shown   string // the text on the terminal now
	partial bool   // the output above does not end with a newline

	mpb    *mpb.Progress
	bar    *mpb.Bar
	status status // read by mpb between redraw and frames
	redraw chan any
	frames chan string
}

func newBar(w io.Writer, width func() int) *bar {
	b := &bar{w: w, redraw: make(chan any), frames: make(chan string)}
	b.mpb = mpb.New(mpb.WithManualRefresh(b.redraw), mpb.WithConsoleWriter(&console{width: width, frames: b.frames}))
	eta := decor.NewAverageETA(decor.ET_STYLE_GO, time.Now(), nil)
	filler := mpb.BarStyle().Build()
	const least = 10 // narrower bars are not worth showing
	b.bar, _ = b.mpb.Add(0, mpb.BarFillerFunc(func(w io.Writer, s decor.Statistics) error {
		if !b.status.total || s.AvailableWidth < least {
			return nil
		}
		return filler.Fill(w, s)
	}), mpb.PrependDecorators(decor.Any(func(decor.Statistics) string {
		return b.status.left()
	})), mpb.AppendDecorators(decor.Any(func(s decor.Statistics) string {
		remaining, _ := eta.Decor(s)
		return b.status.right(remaining, s.AvailableWidth-len("  "))
	})))
	return b
}

// below adds a line below output that does not end with a newline, moves the cursor back to the end
// of that output, saves this position, and moves to the first column of the new line.
const below = "\x1bD\x1b[A\x1b7\r\n"

// draw writes the bar, on a new line if the output does not end with a newline.
func (b *bar) draw(s status) {
	b.status = s
	if s.total {
		b.bar.SetTotal(int64(s.lines), false)
	}
	b.bar.SetCurrent(int64(s.done))
	b.redraw <- nil
	text := <-b.frames
	if text == b.shown {
		return
	}
	if b.shown == "" && b.partial {
		io.WriteString(b.w, below)
	}
	fmt.Fprintf(b.w, "\r%s\x1b[K", text)
	b.shown = text
}

// clear removes the bar, including a ^C that the terminal may have echoed, and moves the cursor to
// the end of the output.
func (b *bar) clear() {
	if b.shown == "" {
		return
	}
	io.WriteString(b.w, "\r\x1b[K")
	if b.partial {
		io.WriteString(b.w, "\x1b8")
	}
	b.shown = ""
}

func (b *bar) close() {
	b.clear()
	b.mpb.Shutdown()
}

// A console stands in for the terminal that mpb writes to. It sends what mpb writes to frames.
type console struct {
	bytes.Buffer
	width  func() int
	frames chan<- string
}

func (c *console) IsTerminal() bool { return true }

func (c *console) GetTermSize() (width, height int, err error) {
	const echo = len("^C") // plus 1, so that the cursor stays on the line
	return max(1, c.width()-echo-1), 2, nil
}

func (c *console) Flush(int) error {
	text := bytes.TrimRight(c.Bytes(), " \n")
	c.frames <- string(text)
	c.Reset()
	return nil
}

// asTerminal returns w as a file, and reports whether it is a terminal that can show a bar.
func asTerminal(w io.Writer) (f *os.File, ok bool) {
	f, ok = w.(*os.File)
	return f, ok && term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb" && understandsEscapes(f)
}

// columns returns the width of a terminal.
func columns(f *os.File) int {
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil || width <= 0 {
		return 80
	}
	return width
}
