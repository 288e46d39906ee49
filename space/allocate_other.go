//go:build !linux

package space

import (
	"errors"
	"os"
)

// allocate has no name that all other systems share.
func allocate(*os.File, int64) error { return errors.ErrUnsupported }
