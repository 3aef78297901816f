package blackbox_test

import (
	"bytes"
	"crypto/rand"
	"fmt"
	mathrand "math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/talix-dev/talix/internal/proctest"
)

// crowd is what clients know of people that they write of and erase.
type crowd struct {
	client
	mu    sync.Mutex
	known []*someone
	acks  int // of erasures
}

// someone has joined; text is what is personal.
type someone struct {
	id, text     string
	asked, acked bool // to be erased
}

// An erasure that was acknowledged is whole after a kill -9, whenever it comes:
// nothing can be read any more, in no file, and what is written of the subject
// fails. One that was not is either not begun or as whole as the others. All
// entities work on.
func TestErasuresSurviveKill(t *testing.T) {
	t.Parallel()
	proctest.Require(t)
	data := t.TempDir()
	p := proctest.Build(t, "./internal/blackbox/testdata/people").Start(t, proctest.Config{Data: data})
	c := &crowd{client: newClient(t)}
	cut := 0
	for round := range sized(3, 40) {
		c.kill(t, p, round)
		p.Restart()
		gone := c.check(t, p.URL())
		for _, s := range gone {
			if s.asked && !s.acked {
				cut++
			}
		}
		untilGone(t, data, gone)
	}
	t.Logf("%d people, %d erasures were acknowledged, %d done without", len(c.known), c.acks, cut)
	if c.acks == 0 {
		t.Error("no erasure was acknowledged")
	}
}

// kill has clients write and erase, and kills the program among it.
func (c *crowd) kill(t *testing.T, p *proctest.Process, round int) {
	t.Helper()
	c.mu.Lock()
	target := c.acks + 2 + mathrand.IntN(8)
	c.mu.Unlock()
	url := p.URL()
	var all sync.WaitGroup
	for n := range 4 {
		all.Go(func() {
			for i := 0; c.live(t, url, fmt.Sprintf("p-%d-%d-%d", round, n, i), i%2 == 0); i++ {
			}
		})
	}
	until(t, func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.acks >= target || t.Failed()
	})
	<-time.After(time.Duration(mathrand.IntN(30)) * time.Millisecond)
	p.Kill()
	all.Wait()
}

// live has someone join, be noted and perhaps erased; false once no answer came.
func (c *crowd) live(t *testing.T, url, id string, erase bool) bool {
	s := &someone{id: id, text: "zq" + rand.Text()}
	post := func(path, body string) bool {
		a, err := c.call("POST", url+"/people/"+id+path, id+path, body)
		if err == nil && a.status != http.StatusOK {
			t.Errorf("POST %s of %s: %d %s", path, id, a.status, a.body)
		}
		return err == nil && a.status == http.StatusOK
	}
	if !post("", `{"email":"`+s.text+`","moves":2}`) || !post("/notes", `{"text":"`+s.text+`"}`) || !post("/tour", `{"text":"`+s.text+`"}`) {
		return false
	}
	c.mu.Lock()
	c.known, s.asked = append(c.known, s), erase
	c.mu.Unlock()
	if !erase {
		return true
	}
	done := post("/erasure", "")
	c.mu.Lock()
	defer c.mu.Unlock()
	if done {
		s.acked = true
		c.acks++
	}
	return done
}

// check looks at everyone, and returns who was erased.
func (c *crowd) check(t *testing.T, url string) (gone []*someone) {
	t.Helper()
	for _, s := range c.known {
		note, err := c.call("POST", url+"/people/"+s.id+"/notes", "", `{"text":"`+s.text+`"}`)
		if err != nil {
			t.Fatal(err)
		}
		var now struct{ Email, Last string }
		c.mustGet(t, url+"/people/"+s.id, &now)
		moved, err := c.call("POST", url+"/people/"+s.id+"/moves", "", "")
		if err != nil || moved.status != http.StatusOK {
			t.Errorf("%s cannot be worked with: %d %s, %v", s.id, moved.status, moved.body, err)
		}
		switch {
		case note.status == http.StatusGone && s.asked:
			gone = append(gone, s)
			if now.Email+now.Last != "" {
				t.Errorf("%s was erased and is %+v", s.id, now)
			}
		case note.status != http.StatusOK || s.acked:
			t.Errorf("to write of %s, whose erasure was acknowledged: %t, got %d %s", s.id, s.acked, note.status, note.body)
		case now.Email != s.text || now.Last != s.text:
			t.Errorf("%s was not erased and is %+v, want %s", s.id, now, s.text)
		}
	}
	return gone
}

// untilGone waits until no file has the texts of people: views are made anew
// after an erasure.
func untilGone(t *testing.T, dir string, people []*someone) {
	t.Helper()
	until(t, func() bool {
		files, err := filepath.Glob(filepath.Join(dir, "*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			data, err := os.ReadFile(name)
			if err != nil {
				continue // a log that was folded away
			}
			for _, s := range people {
				if bytes.Contains(data, []byte(s.text)) {
					return false
				}
			}
		}
		return true
	})
}
