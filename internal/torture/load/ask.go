package load

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// ask sends a request once; false: the answer does not tell what became of it.
func (c *client) ask(ctx context.Context, op *Op, key string, patience time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	req, err := request(ctx, op, key)
	if err != nil {
		c.load.History.problem("%s: %v", op.Kind, err)
		return false
	}
	resp, err := c.load.http.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return false
	}
	known, err := op.read(resp.StatusCode, body)
	if err != nil {
		c.load.History.problem("%s of %d, account %s: %d %.500q: %v", op.Kind, op.Amount, op.Account, resp.StatusCode, body, err)
	}
	return known
}

func request(ctx context.Context, op *Op, key string) (*http.Request, error) {
	method, path, body := http.MethodPost, "/accounts/"+op.Account, fmt.Sprintf(`{"amount":%d}`, op.Amount)
	switch op.Kind {
	case Read:
		method, body = http.MethodGet, ""
	case Deposit:
		path += "/deposits"
	case Withdraw:
		path += "/withdrawals"
	case Exchange, Transfer:
		path, body = "/"+string(op.Kind)+"s", fmt.Sprintf(`{"from":%q,"to":%q,"amount":%d}`, op.Account, op.To, op.Amount)
	}
	req, err := http.NewRequestWithContext(ctx, method, op.Node+path, strings.NewReader(body))
	if err == nil && method == http.MethodPost {
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Idempotency-Key", key)
	}
	return req, err
}

// read takes in an answer. An error is one that should never come.
func (op *Op) read(status int, body []byte) (known bool, err error) {
	switch status {
	case http.StatusOK, http.StatusAccepted:
		op.Outcome = Done
		return true, op.readReply(body)
	case http.StatusServiceUnavailable, http.StatusGatewayTimeout, http.StatusTooManyRequests:
		return false, nil
	case http.StatusNotFound:
		if op.Kind == Read {
			op.Outcome = Done // it has no version
			return true, nil
		}
	case http.StatusConflict:
		var problem struct{ Code string }
		if err := json.Unmarshal(body, &problem); err == nil && problem.Code == "rejected" {
			op.Outcome = Rejected
			return true, nil
		}
	}
	return false, fmt.Errorf("an answer that should never come")
}

func (op *Op) readReply(body []byte) error {
	switch op.Kind {
	case Exchange:
		return json.Unmarshal(body, &struct{ From, To *Balance }{&op.After, &op.ToAfter})
	case Transfer:
		return json.Unmarshal(body, &struct {
			ID *string `json:"transferId"`
		}{&op.Transfer})
	}
	return json.Unmarshal(body, &op.After)
}

// Get reads JSON from a URL, which has to answer 200.
func (l *Load) Get(ctx context.Context, url string, v any) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := l.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %d %.500s", url, resp.StatusCode, body)
	}
	return json.Unmarshal(body, v)
}
