//go:build race

package proctest

// Race reports whether the race detector, which makes programs slower, is enabled.
const Race = true
