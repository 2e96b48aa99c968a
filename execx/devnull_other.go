//go:build !unix

package execx

import "os"

// openNull opens the null device.
func openNull(flag int) (*os.File, error) { return os.OpenFile(os.DevNull, flag, 0) }
