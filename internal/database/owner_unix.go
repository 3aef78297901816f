//go:build unix

package database

import (
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
)

// owner is the user that the server runs as, since it refuses to run as root.
type owner struct{ as *syscall.Credential } // nil: who runs this

func (o *owner) find() error {
	if os.Geteuid() != 0 {
		return nil
	}
	u, err := user.Lookup("postgres") // its package has made it
	if err != nil {
		return ErrMissing
	}
	uid, _ := strconv.ParseUint(u.Uid, 10, 32) // they are numbers
	gid, _ := strconv.ParseUint(u.Gid, 10, 32)
	o.as = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return nil
}

func (o *owner) give(dir string) error {
	if o.as == nil {
		return nil
	}
	return os.Chown(dir, int(o.as.Uid), int(o.as.Gid))
}

func (o *owner) become(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Credential: o.as} }
