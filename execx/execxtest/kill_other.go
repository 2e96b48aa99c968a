//go:build !linux

package execxtest

import (
	"errors"
	"fmt"
	"os"
)

// kill kills the processes.
func kill(left []process, ignores func(process) bool) error {
	var errs []error
	for _, p := range left {
		found, err := os.FindProcess(p.pid)
		if err == nil {
			err = found.Kill()
			found.Release()
		}
		if err != nil && !errors.Is(err, os.ErrProcessDone) {
			errs = append(errs, fmt.Errorf("execxtest: killing pid %d: %w", p.pid, err))
		}
	}
	return errors.Join(errs...)
}
