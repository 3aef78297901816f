package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// eventStream writes server-sent events. It begins with the first one that is
// sent; until then, the answer can be a problem.
type eventStream struct {
	w      http.ResponseWriter
	out    *http.ResponseController
	begun  bool
	cursor string // where to go on; empty: that can't be
}

// stallMost is how long a caller may not read.
const stallMost = 30 * time.Second

func newEventStream(w http.ResponseWriter) *eventStream {
	return &eventStream{w: w, out: http.NewResponseController(w)}
}

// send sends an event. An error means that the caller is gone.
func (s *eventStream) send(kind string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("write event: %w", err)
	}
	if !s.begun {
		s.begun = true
		s.w.Header().Set("Content-Type", "text/event-stream")
		s.w.Header().Set("Cache-Control", "no-store")
		_ = s.out.SetReadDeadline(time.Time{}) // where the server can't, the stream ends sooner
	}
	return s.write(kind, data)
}

// beat tells that the stream goes on.
func (s *eventStream) beat() error {
	if !s.begun {
		return nil
	}
	return s.write("beat", []byte("{}"))
}

func (s *eventStream) write(kind string, data []byte) error {
	_ = s.out.SetWriteDeadline(time.Now().Add(stallMost)) // where the server can't, it has its own
	id := ""
	if s.cursor != "" {
		id = "id: " + s.cursor + "\n"
	}
	if _, err := fmt.Fprintf(s.w, "%sevent: %s\ndata: %s\n\n", id, kind, data); err != nil {
		return err
	}
	return s.out.Flush()
}

// end tells why there is no more.
func (s *eventStream) end(err error) {
	if !s.begun {
		WriteProblem(s.w, err)
		return
	}
	data, _ := json.Marshal(ProblemOf(err)) // plain values
	_ = s.write("end", data)                // the caller may be gone
}
