//go:build !linux

package execx

import (
	"context"
	"errors"
	"fmt"
)

// ReapAdopted reaps the children of this program that it did not start. That
// needs Linux: here it fails with an error wrapping [errors.ErrUnsupported].
func ReapAdopted(ctx context.Context) error {
	return fmt.Errorf("exec: ReapAdopted: %w", errors.ErrUnsupported)
}
