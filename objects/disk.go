package objects

import (
	"io"
	"os"
)

// disk is what the store asks of the file system to keep blobs. The tests put
// faults between the store and the real one.
type disk interface {
	create(path string) (diskFile, error) // a new file for writing
	mkdir(path string) error
	rename(from, to string) error
	remove(path string) error
	syncDir(path string) error // names in it, made durable
}

type diskFile interface {
	io.WriteCloser
	Sync() error
}

// realDisk is the operating system's.
type realDisk struct{}

func (realDisk) create(path string) (diskFile, error) {
	return os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
}

func (realDisk) mkdir(path string) error { return os.Mkdir(path, 0o700) }

func (realDisk) rename(from, to string) error { return os.Rename(from, to) }

func (realDisk) remove(path string) error { return os.Remove(path) }

func (realDisk) syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	return d.Sync()
}
