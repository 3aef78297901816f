package process

import (
	"bytes"
	"regexp"
	"strings"
	"sync"
)

// output takes what a process writes, and finds its addresses in it.
type output struct {
	wantAdmin bool
	known     chan struct{} // closed when every address is known

	mu      sync.Mutex
	all     []byte
	line    []byte // the last one, not yet ended
	listens string
	admins  string
}

const kept = 1 << 20

func newOutput(wantAdmin bool) *output {
	return &output{wantAdmin: wantAdmin, known: make(chan struct{})}
}

// Write takes a piece of output. It never fails.
func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.keep(b)
	o.line = append(o.line, b...)
	for {
		line, rest, ended := bytes.Cut(o.line, []byte("\n"))
		if !ended {
			return len(b), nil
		}
		o.learn(string(line))
		o.line = rest
	}
}

func (o *output) keep(b []byte) {
	o.all = append(o.all, b...)
	if len(o.all) > 2*kept {
		o.all = append([]byte(nil), o.all[len(o.all)-kept:]...)
	}
}

// learn looks for addresses until they are known; later lines can't change
// them.
func (o *output) learn(line string) {
	if o.complete() {
		return
	}
	listen, admin := Addresses(line)
	if o.listens == "" {
		o.listens = listen
	}
	if o.admins == "" {
		o.admins = admin
	}
	if o.complete() {
		close(o.known)
	}
}

func (o *output) complete() bool {
	return o.listens != "" && (o.admins != "" || !o.wantAdmin)
}

func (o *output) text() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(o.all[max(0, len(o.all)-kept):])
}

func (o *output) listen() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.listens
}

func (o *output) admin() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.admins
}

var address = regexp.MustCompile(`(?:127\.0\.0\.1|localhost|\[::1\]):[1-9][0-9]*`)

// Addresses finds in one line of a program's output the URLs that it says it
// listens on, for its own traffic and for its administrators. It takes plain
// text and slog's formats: the words before an address decide.
func Addresses(line string) (listen, admin string) {
	at := 0
	for _, m := range address.FindAllStringIndex(line, -1) {
		words := strings.ToLower(line[at:m[0]])
		at = m[1]
		url := "http://" + line[m[0]:m[1]]
		switch {
		case strings.Contains(words, "admin"):
			admin = url
		case strings.Contains(words, "listen"):
			listen = url
		}
	}
	return listen, admin
}
