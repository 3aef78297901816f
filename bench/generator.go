package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/textproto"
	"strconv"
	"strings"
	"time"
)

// generate is a load generator: keep-alive connections that post deposits in a
// closed loop. It writes HTTP by itself, because a client as rich as net/http
// would take more of the machine than the servers.
func generate(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("generator", flag.ContinueOnError)
	address := flags.String("address", "", "host:port")
	connections := flags.Int("connections", 1, "")
	accounts := flags.Int("accounts", 1, "")
	each := flags.Duration("duration", time.Second, "")
	if err := flags.Parse(args); err != nil {
		return err
	}
	clients, err := dial(ctx, *address, *connections)
	if err != nil {
		return err
	}
	l, err := closedLoop(ctx, *connections, *each, func(i int) caller {
		random := rand.New(rand.NewPCG(2, uint64(i)))
		return func() error { return clients[i].deposit(random.IntN(*accounts)) }
	})
	for _, c := range clients {
		err = errors.Join(err, c.conn.Close())
	}
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(l.perSecond())
}

// client is one connection.
type client struct {
	conn net.Conn
	in   *bufio.Reader
	host string
	out  []byte
}

func dial(ctx context.Context, address string, n int) ([]*client, error) {
	var dialer net.Dialer
	clients := make([]*client, n)
	for i := range clients {
		conn, err := dialer.DialContext(ctx, "tcp", address)
		if err != nil {
			return nil, fmt.Errorf("connect to %s: %w", address, err)
		}
		clients[i] = &client{conn: conn, in: bufio.NewReader(conn), host: address}
	}
	return clients, nil
}

// deposit posts one deposit and reads the answer.
func (c *client) deposit(account int) error {
	const body = `{"amount":5}`
	c.out = fmt.Appendf(c.out[:0], "POST /accounts/account-%d/deposits HTTP/1.1\r\nHost: %s\r\n"+
		"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", account, c.host, len(body), body)
	if _, err := c.conn.Write(c.out); err != nil {
		return fmt.Errorf("send request: %w", err)
	}
	return c.readAnswer()
}

func (c *client) readAnswer() error {
	status, err := c.line()
	if err != nil {
		return err
	}
	if !strings.HasPrefix(status, "HTTP/1.1 200 ") {
		return fmt.Errorf("read answer: %s", status)
	}
	length := -1
	for {
		line, err := c.line()
		if err != nil {
			return err
		}
		if line == "" {
			break
		}
		if name, value, _ := strings.Cut(line, ":"); strings.EqualFold(name, "Content-Length") {
			if length, err = strconv.Atoi(textproto.TrimString(value)); err != nil {
				return fmt.Errorf("read answer: %w", err)
			}
		}
	}
	if length < 0 {
		return errors.New("read answer: it has no Content-Length")
	}
	if _, err := c.in.Discard(length); err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	return nil
}

func (c *client) line() (string, error) {
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return "", fmt.Errorf("read answer: %w", err)
	}
	return strings.TrimRight(string(line), "\r\n"), nil
}
