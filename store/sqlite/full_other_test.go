//go:build !linux

package sqlite_test

import "testing"

func smallDisk(t *testing.T) string {
	t.Skip("small disks are made on Linux alone")
	return ""
}
