package proctest

import (
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// Nobody is the number of a user without privileges.
const Nobody = 65534

// NeedsRoot skips the test if this process is not root, or can't become Nobody: user
// namespaces may have no other user than root.
func NeedsRoot(t testing.TB) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("must be root")
	}
	c := exec.Command("true")
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: Nobody, NoSetGroups: true}}
	if err := c.Run(); err != nil {
		t.Skip("must be able to become another user: ", err)
	}
}

// BecomeSubreaper has the kernel give orphans to this process, as it does to init. It
// skips the test where there is no such thing.
func BecomeSubreaper(t testing.TB) {
	t.Helper()
	err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
	if err == unix.EINVAL {
		t.Skip("must be able to become a subreaper: ", err)
	}
	require.NoError(t, err)
}
