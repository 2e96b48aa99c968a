//go:build !race

package proctest

// Race is whether the race detector, which makes everything slower, is on.
const Race = false
