package sqlite

import "os"

// room keeps written zeros ahead of the end of the write-ahead log. Syncing a
// file that has grown costs two to three times the sync of one that has not,
// and the log is made anew at every start. SQLite reads it up to the first
// frame that is not valid, so zeros behind its end mean nothing to it.
type room struct {
	path string
	file *os.File // nil until there is room
	size int64    // of the log with its zeros
	wire int64    // once something stands here, more room is needed
	off  bool
}

const (
	roomFirst = 1 << 20
	roomStep  = 4 << 20
	// roomMost is where the log begins anew, at a checkpoint's end.
	roomMost = checkpointPages * (4096 + 24)
	// roomLeft is how much room asks for more.
	roomLeft = 256 << 10
)

// keep is called inside a write transaction: then nobody else, in this
// process or another, writes to the log. That there is no room costs time
// alone, so an error ends the effort silently.
func (r *room) keep() {
	if r.off || r.file != nil && !r.reached() {
		return
	}
	if r.size >= roomMost || r.grow() != nil {
		r.close()
	}
}

// reached tells whether the log has come to the wire.
func (r *room) reached() bool {
	var frame [8]byte
	_, err := r.file.ReadAt(frame[:], r.wire)
	return err != nil || frame != [8]byte{}
}

func (r *room) grow() (err error) {
	if r.file == nil {
		if r.file, err = os.OpenFile(r.path, os.O_RDWR, 0); err != nil {
			return err
		}
	}
	info, err := r.file.Stat()
	if err != nil {
		return err
	}
	r.size = info.Size() + min(max(r.size, roomFirst), roomStep)
	zeros := make([]byte, roomLeft)
	for at := info.Size(); at < r.size; at += roomLeft {
		if _, err := r.file.WriteAt(zeros[:min(roomLeft, r.size-at)], at); err != nil {
			return err
		}
	}
	r.wire = r.size - roomLeft
	return nil
}

func (r *room) close() {
	r.off = true
	if r.file != nil {
		r.file.Close()
		r.file = nil
	}
}
