package main

import (
	"errors"
	"math"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// A limit is the value of -j.
type limit int

func (l *limit) Type() string   { return "N" }
func (l *limit) String() string { return strconv.Itoa(int(*l)) }

func (l *limit) Set(s string) error {
	digits, percent := strings.CutSuffix(s, "%")
	n, err := strconv.Atoi(digits)
	if err != nil || n > math.MaxInt32 || n < math.MinInt32 {
		return errors.New("must be like 4, 50%, +1, -1 or 0")
	}
	if n == 0 && !percent {
		*l = math.MaxInt
		return nil
	}
	cpus := runtime.GOMAXPROCS(0)
	if percent {
		n = n * cpus / 100
	}
	if strings.ContainsAny(s, "+-") {
		n += cpus
	}
	*l = limit(max(1, n))
	return nil
}

// A span is a duration, given in seconds or as for [time.ParseDuration].
type span time.Duration

func (d *span) Type() string   { return "TIME" }
func (d *span) String() string { return time.Duration(*d).String() }

func (d *span) Set(s string) error {
	t, err := time.ParseDuration(s)
	if err != nil {
		t, err = time.ParseDuration(s + "s")
	}
	if err != nil || t < 0 {
		return errors.New("must be like 10, 1.5, 90s or 1h30m")
	}
	*d = span(t)
	return nil
}

// A halt is the value of --halt: when to stop before the end of the input.
type halt struct {
	now   bool   // also end the running jobs
	what  string // "fail", "success" or "done"; "" means never
	count int    // how many of them
}

func (h *halt) Type() string { return "WHEN" }

func (h *halt) String() string {
	if h.what == "" {
		return "never"
	}
	when := "soon,"
	if h.now {
		when = "now,"
	}
	return when + h.what + "=" + strconv.Itoa(h.count)
}

func (h *halt) Set(s string) error {
	if s == "never" {
		*h = halt{}
		return nil
	}
	when, why, _ := strings.Cut(s, ",")
	what, count, _ := strings.Cut(why, "=")
	n, err := strconv.Atoi(count)
	if when != "now" && when != "soon" || what != "fail" && what != "success" && what != "done" || err != nil || n < 1 {
		return errors.New("must be like never, soon,fail=1 or now,fail=1, or with success or done instead of fail")
	}
	*h = halt{now: when == "now", what: what, count: n}
	return nil
}

// reached reports whether s meets the condition.
func (h *halt) reached(s status) bool {
	switch h.what {
	case "fail":
		return s.failed >= h.count
	case "success":
		return s.done-s.failed >= h.count
	case "done":
		return s.done >= h.count
	}
	return false
}
