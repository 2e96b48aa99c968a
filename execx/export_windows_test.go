package execx

import (
	"os"
	"testing"

	"golang.org/x/sys/windows"

	"go.execx.dev/internal/pidfd"
)

// RefuseJobs makes jobs refuse processes until the end of the test, and calls f with each such
// process.
func RefuseJobs(t testing.TB, f func(p *os.Process)) {
	before := newJob
	newJob = func(p *os.Process, killsOnExit, resumes bool) (*pidfd.Group, error) {
		f(p)
		return nil, windows.ERROR_ACCESS_DENIED
	}
	t.Cleanup(func() { newJob = before })
}
