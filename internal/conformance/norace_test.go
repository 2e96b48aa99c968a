//go:build unix && !race

package conformance

const raceDetector = false
