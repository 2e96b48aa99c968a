package main

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strings"
)

// The plot has two panels side by side, with the same horizontal axis.
const (
	width, height = 860, 380

	panelWidth, panelHeight = 330, 230
	panelTop                = 70
	leftOfPanels            = 60
	betweenPanels           = 90

	mostOthers = 16000
)

var colors = map[string]string{"os": "#d9534f", "execx": "#2f80ed"}

var names = map[string]string{"os": "os/exec", "execx": "execx"}

// A panel is one of the two panels.
type panel struct {
	title string
	value func(sample) float64
	left  float64
	top   float64 // the value at the top
}

// plot draws the lines as an SVG.
func plot(lines []line) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12" fill="#333">`+"\n", width, height)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#fff"/>`+"\n", width, height)
	text(&b, leftOfPanels, 26, "start", `font-size="15" font-weight="bold"`, "One child exits while others are waited for")
	if n := rounds(lines); n > 1 {
		text(&b, width-betweenPanels/2, 26, "end", "", fmt.Sprintf("median of %d runs; the band spans the lowest and the highest", n))
	}
	for i, p := range []panel{
		{title: "from kill to the return of Wait, median, µs", value: func(s sample) float64 { return s.Latency }},
		{title: "CPU time of the parent per exit, µs", value: func(s sample) float64 { return s.CPU }},
	} {
		p.left = leftOfPanels + float64(i)*(panelWidth+betweenPanels)
		p.scale(lines)
		p.axes(&b)
		for _, l := range lines {
			p.line(&b, l)
		}
	}
	legend(&b, lines)
	fmt.Fprintln(&b, `</svg>`)
	return b.Bytes()
}

// scale sets the value at the top to a round number above everything drawn.
func (p *panel) scale(lines []line) {
	for _, l := range lines {
		for _, point := range l.Points {
			_, _, high := p.spread(point)
			p.top = max(p.top, high*1.05)
		}
	}
	p.top = math.Ceil(p.top/p.step()) * p.step()
}

// rounds returns the smallest number of samples of any point.
func rounds(lines []line) int {
	n := math.MaxInt
	for _, l := range lines {
		for _, point := range l.Points {
			n = min(n, len(point.Samples))
		}
	}
	return n
}

// spread returns the lowest, the median and the highest value of pt.
func (p *panel) spread(pt point) (low, median, high float64) {
	var values []float64
	for _, s := range pt.Samples {
		values = append(values, p.value(s))
	}
	slices.Sort(values)
	return values[0], values[len(values)/2], values[len(values)-1]
}

// step returns the value between two lines of the grid.
func (p *panel) step() float64 {
	magnitude := math.Pow(10, math.Floor(math.Log10(p.top)))
	for _, s := range []float64{0.1, 0.2, 0.5, 1, 2} {
		if p.top/(s*magnitude) <= 6 {
			return s * magnitude
		}
	}
	return 5 * magnitude
}

func (p *panel) x(others int) float64 {
	return p.left + panelWidth*float64(others)/mostOthers
}

func (p *panel) y(value float64) float64 {
	return panelTop + panelHeight*(1-value/p.top)
}

func (p *panel) axes(b *bytes.Buffer) {
	text(b, p.left, panelTop-16, "start", "", p.title)
	for v := 0.0; v <= p.top*1.001; v += p.step() {
		fmt.Fprintf(b, `<path d="M%.1f %.1fh%d" stroke="#ddd"/>`+"\n", p.left, p.y(v), panelWidth)
		text(b, p.left-6, p.y(v)+4, "end", "", number(v))
	}
	for _, n := range []int{0, 5000, 10000, 15000} {
		fmt.Fprintf(b, `<path d="M%.1f %dv5" stroke="#999"/>`+"\n", p.x(n), panelTop+panelHeight)
		text(b, p.x(n), panelTop+panelHeight+19, "middle", "", thousands(n))
	}
	text(b, p.left+panelWidth/2, panelTop+panelHeight+38, "middle", "", "other children waited for")
}

// line draws the points of l, a band for their spread, and a cross where the process died.
func (p *panel) line(b *bytes.Buffer, l line) {
	color := colors[l.Package]
	var path, lower, upper []string
	var x, y float64
	for _, point := range l.Points {
		low, median, high := p.spread(point)
		x, y = p.x(point.Others), p.y(median)
		path = append(path, fmt.Sprintf("%.1f %.1f", x, y))
		lower = append(lower, fmt.Sprintf("%.1f %.1f", x, p.y(low)))
		upper = append(upper, fmt.Sprintf("%.1f %.1f", x, p.y(high)))
		fmt.Fprintf(b, `<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>`+"\n", x, y, color)
	}
	slices.Reverse(upper)
	band := append(lower, upper...)
	fmt.Fprintf(b, `<path d="M%sZ" fill="%s" fill-opacity="0.2"/>`+"\n", strings.Join(band, "L"), color)
	fmt.Fprintf(b, `<path d="M%s" fill="none" stroke="%s" stroke-width="2"/>`+"\n", strings.Join(path, "L"), color)
	if l.Died > 0 && len(l.Points) > 0 {
		at := p.x(l.Died)
		fmt.Fprintf(b, `<path d="M%.1f %.1fL%.1f %.1f" stroke="%s" stroke-width="2" stroke-dasharray="3 3"/>`+"\n", x, y, at, y, color)
		fmt.Fprintf(b, `<path d="M%.1f %.1fl10 10m0 -10l-10 10" stroke="%s" stroke-width="2.5"/>`+"\n", at-5, y-5, color)
	}
}

// legend names the lines and what ended them.
func legend(b *bytes.Buffer, lines []line) {
	y := float64(height - 12)
	x := float64(leftOfPanels)
	for _, l := range lines {
		fmt.Fprintf(b, `<path d="M%.1f %.1fh24" stroke="%s" stroke-width="2"/>`+"\n", x, y-4, colors[l.Package])
		label := names[l.Package]
		if l.Died > 0 {
			label += fmt.Sprintf(" (✕ with %s: %s)", thousands(l.Died), l.Cause)
		}
		text(b, x+30, y, "start", "", label)
		x += 60 + 6.6*float64(len(label))
	}
}

func text(b *bytes.Buffer, x, y float64, anchor, attributes, s string) {
	fmt.Fprintf(b, `<text x="%.1f" y="%.1f" text-anchor="%s" %s>`, x, y, anchor, attributes)
	for _, c := range s {
		switch c {
		case '<':
			b.WriteString("&lt;")
		case '&':
			b.WriteString("&amp;")
		default:
			b.WriteRune(c)
		}
	}
	b.WriteString("</text>\n")
}

// number formats a label of an axis.
func number(v float64) string {
	if v == math.Trunc(v) {
		return thousands(int(v))
	}
	return fmt.Sprint(v)
}

func thousands(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%d,%03d", n/1000, n%1000)
}
