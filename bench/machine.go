package main

import (
	"context"
	"errors"
	"log"
	"path/filepath"
	"runtime"
	"time"
)

// describe tells what the figures were measured on, and warns where syncing
// costs nothing, so that nothing would be shown.
func describe(ctx context.Context, progress *log.Logger, dir string) (err error) {
	f, err := openBareFile(filepath.Join(dir, "probe"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.close()) }()
	took, err := medianTime(ctx, 50, func(int) error { return f.appendAlone(make([]byte, recordSize)) })
	if err != nil {
		return err
	}
	progress.Printf("%s %s/%s, %d CPUs, one fdatasync takes %v",
		runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0), took.Round(time.Microsecond))
	if took < 15*time.Microsecond {
		progress.Print("The temporary folder seems to be in memory, or its disk does not sync: name another one with -dir.")
	}
	return nil
}
