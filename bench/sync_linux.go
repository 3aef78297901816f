package main

import (
	"os"
	"syscall"
)

// syncData brings a file's data to the disk, without metadata that is not
// needed to read it.
func syncData(f *os.File) error { return syscall.Fdatasync(int(f.Fd())) }
