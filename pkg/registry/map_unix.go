//go:build unix

package registry

import (
	"fmt"
	"os"
	"sync"
	"syscall"
)

// mapped are the files that are mapped: a model that is loaded again finds its
// mapping here. Nothing is ever unmapped, since requests may still refer to
// it; the pages of a model that nobody asks are the kernel's to drop.
var mapped struct {
	sync.Mutex
	files []mappedFile
}

type mappedFile struct {
	info os.FileInfo
	data []byte
}

// mapFile maps a file to read only. A file must be replaced, not written over,
// while it is mapped.
func mapFile(file *os.File, size int64) ([]byte, error) {
	if size != int64(int(size)) {
		return nil, fmt.Errorf("%d bytes cannot be mapped here", size)
	}
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	mapped.Lock()
	defer mapped.Unlock()
	for _, m := range mapped.files {
		if os.SameFile(m.info, info) && m.info.ModTime().Equal(info.ModTime()) && int64(len(m.data)) == size {
			return m.data, nil
		}
	}
	data, err := syscall.Mmap(int(file.Fd()), 0, int(size), syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		return nil, err
	}
	mapped.files = append(mapped.files, mappedFile{info, data})
	return data, nil
}
