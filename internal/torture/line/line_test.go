package line_test

import (
	"bufio"
	"context"
	"net"
	"os"
	"testing"
	"time"

	"github.com/talix-dev/talix/internal/torture/line"
)

// echo answers each line of text by the same line, and counts them.
func echo(t *testing.T) (address string, heard chan string) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	heard = make(chan string, 100)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				for in := bufio.NewScanner(conn); in.Scan(); {
					heard <- in.Text()
					if _, err := conn.Write([]byte(in.Text() + "\n")); err != nil {
						return
					}
				}
			}()
		}
	}()
	return listener.Addr().String(), heard
}

type caller struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Scanner
}

func call(t *testing.T, l *line.Line) *caller {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", l.Address())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &caller{t, conn, bufio.NewScanner(conn)}
}

// refuses tells whether a new connection is ended at once, or does not come
// about.
func refuses(t *testing.T, l *line.Line) bool {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", l.Address())
	if err != nil {
		return true
	}
	defer conn.Close()
	conn.SetReadDeadline(time.Now().Add(30 * time.Second))
	_, err = conn.Read(make([]byte, 1))
	return err != nil && !os.IsTimeout(err)
}

func (c *caller) say(text string) {
	c.t.Helper()
	if _, err := c.conn.Write([]byte(text + "\n")); err != nil {
		c.t.Fatal(err)
	}
}

// hears waits for a line of text; false: the connection has ended.
func (c *caller) hears(want string) bool {
	c.t.Helper()
	c.conn.SetReadDeadline(time.Now().Add(30 * time.Second))
	if !c.in.Scan() {
		return false
	}
	if c.in.Text() != want {
		c.t.Fatalf("heard %q, want %q", c.in.Text(), want)
	}
	return true
}

func open(t *testing.T, target string) *line.Line {
	t.Helper()
	l, err := line.New(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

func TestLineCarries(t *testing.T) {
	t.Parallel()
	target, _ := echo(t)
	c := call(t, open(t, target))
	for range 3 {
		if c.say("hello"); !c.hears("hello") {
			t.Fatal("the line has ended")
		}
	}
}

func TestCutEndsConnections(t *testing.T) {
	t.Parallel()
	target, _ := echo(t)
	l := open(t, target)
	c := call(t, l)
	if c.say("one"); !c.hears("one") {
		t.Fatal("the line has ended")
	}
	l.Cut()
	if c.hears("") {
		t.Error("a connection outlives the cut")
	}
	if !refuses(t, l) {
		t.Error("a new connection outlives the cut")
	}
	l.Mend()
	c = call(t, l)
	if c.say("two"); !c.hears("two") {
		t.Error("the line is not mended")
	}
}

// What is held arrives late, in either direction.
func TestHeldIsLate(t *testing.T) {
	t.Parallel()
	target, heard := echo(t)
	l := open(t, target)
	c := call(t, l)
	if c.say("one"); !c.hears("one") {
		t.Fatal("the line has ended")
	}
	<-heard
	l.Hold(line.There)
	c.say("two")
	select {
	case text := <-heard:
		t.Errorf("%q has passed", text)
	case <-time.After(20 * time.Millisecond):
	}
	l.Mend()
	if !c.hears("two") {
		t.Error("what was held is lost")
	}
	<-heard
	l.Hold(line.Back)
	c.say("three")
	if text := <-heard; text != "three" { // the target has heard it
		t.Errorf("heard %q", text)
	}
	l.Mend()
	if !c.hears("three") {
		t.Error("what was held is lost")
	}
}

// The target has done what it was asked for, and the answer never comes.
func TestTrapLosesTheAnswer(t *testing.T) {
	t.Parallel()
	target, heard := echo(t)
	l := open(t, target)
	c, other := call(t, l), call(t, l)
	l.Trap("commit")
	if other.say("look"); !other.hears("look") {
		t.Error("a connection is reset that carried nothing")
	}
	<-heard
	c.say("commit this")
	if c.hears("commit this") {
		t.Error("the answer has come")
	}
	if text := <-heard; text != "commit this" {
		t.Errorf("heard %q", text)
	}
	if n := l.Resets(); n != 1 {
		t.Errorf("%d resets", n)
	}
	l.Mend()
	c = call(t, l)
	if c.say("commit"); !c.hears("commit") {
		t.Error("the line is not mended")
	}
}

// A target that is not there, or a line that is held, keeps no one from closing.
func TestClose(t *testing.T) {
	t.Parallel()
	target, _ := echo(t)
	l, err := line.New(context.Background(), target)
	if err != nil {
		t.Fatal(err)
	}
	c := call(t, l)
	l.Hold(line.There, line.Back)
	c.say("one")
	l.Close()
	if c.hears("") {
		t.Error("a connection outlives its line")
	}
	nowhere := open(t, "127.0.0.1:1")
	if !refuses(t, nowhere) {
		t.Error("someone answers")
	}
}

// Nobody behind a line that is cut has work with those who try it: a server that
// makes a process for each connection would fail all others.
func TestCutLineReachesNobody(t *testing.T) {
	t.Parallel()
	target, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { target.Close() })
	l, err := line.New(t.Context(), target.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	l.Cut()
	for range 5 {
		if !refuses(t, l) {
			t.Error("a line that is cut takes a connection")
		}
	}
	l.Mend()
	call(t, l).say("hello")
	conn, err := target.Accept() // connections come in the order in which they were made
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetReadDeadline(time.Now().Add(30 * time.Second))
	if in := bufio.NewScanner(conn); !in.Scan() || in.Text() != "hello" {
		t.Errorf("someone has come through the line that was cut: %v", in.Err())
	}
}
