//go:build !unix

package registry

import (
	"errors"
	"os"
)

// mapFile is not there on this system: large bundles are read.
func mapFile(*os.File, int64) ([]byte, error) { return nil, errors.ErrUnsupported }
