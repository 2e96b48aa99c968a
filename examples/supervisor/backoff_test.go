package main

import (
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

// longest and shortest return the extremes of a random number.
func longest(n int64) int64 { return n - 1 }
func shortest(int64) int64  { return 0 }

func TestDelay(t *testing.T) {
	b := backoff{first: time.Second, max: time.Minute, random: longest}
	for n, want := range []int{1, 2, 4, 8, 16, 32, 60, 60, 60} {
		assert.Equal(t, time.Duration(want)*time.Second, b.delay(n))
	}
	b.random = shortest
	for n, want := range []int{500, 1000, 2000, 4000, 8000, 16000, 30000, 30000} {
		assert.Equal(t, time.Duration(want)*time.Millisecond, b.delay(n))
	}

	b.max = math.MaxInt64
	assert.Positive(t, b.delay(10_000))
	b = backoff{first: 1, max: 1, random: longest}
	assert.EqualValues(t, 1, b.delay(5))
}

// A run that lasts long enough resets the count of failures.
func TestStable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &backoff{first: time.Second, max: time.Minute, stable: 10 * time.Second, random: longest}
		v := new(service)
		run := func(d time.Duration) time.Duration {
			v.enter(running)
			time.Sleep(d)
			return v.retry(b, nil)
		}
		assert.Equal(t, time.Second, run(0))
		assert.Equal(t, 2*time.Second, run(time.Second))
		assert.Equal(t, 4*time.Second, run(10*time.Second-1))
		assert.Equal(t, time.Second, run(10*time.Second))
		assert.Equal(t, 2*time.Second, v.retry(b, nil), "after a failure to start")
		assert.Equal(t, time.Now().Add(2*time.Second), v.due)
	})
}
