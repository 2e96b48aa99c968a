// Package testenv stands in for the internal package of Go with this path, which other modules
// can't import.
package testenv

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

type SpecialBuildTypes struct{ Cgo, Asan, Msan, Race bool }

var NoSpecialBuildTypes SpecialBuildTypes

func MustHaveExec(t testing.TB) {}

func MustHaveExecPath(t testing.TB, path string) {
	t.Helper()
	if _, err := exec.LookPath(path); err != nil {
		t.Skip(err)
	}
}

func MustHaveGoBuild(t testing.TB) {
	t.Helper()
	MustHaveExecPath(t, "go")
}

func MustInternalLink(t testing.TB, with SpecialBuildTypes) {}

func MustHaveSymlink(t testing.TB) {}

func SkipFlaky(t testing.TB, issue int) {
	t.Helper()
	t.Skipf("go.dev/issue/%d", issue)
}

func SyscallIsNotSupported(err error) bool {
	return errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES)
}

func Executable(t testing.TB) string {
	path, err := os.Executable()
	fatal(t, err)
	return path
}

func GOROOT(t testing.TB) string {
	out, err := exec.Command("go", "env", "GOROOT").Output()
	fatal(t, err)
	return strings.TrimSpace(string(out))
}

func GoToolPath(t testing.TB) string {
	return filepath.Join(GOROOT(t), "bin", "go")
}

func Command(t testing.TB, name string, arg ...string) *exec.Cmd {
	return exec.CommandContext(t.Context(), name, arg...)
}

// fatal ends the test if there was an error. Go's tests call some functions above with a nil t if
// there is no test.
func fatal(t testing.TB, err error) {
	switch {
	case err == nil:
	case t == nil:
		panic(err)
	default:
		t.Helper()
		t.Fatal(err)
	}
}
