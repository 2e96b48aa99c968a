//go:build unix

package conformance

import (
	"testing"

	"go.uber.org/goleak"

	"go.execx.dev/internal/proctest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(proctest.Checked(m)) }
