package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/talix-dev/talix/examples/shop/order"
)

// warehouse tells another system of orders.
type warehouse struct {
	url    string
	client *http.Client
}

func newWarehouse(url string) *warehouse {
	return &warehouse{url, &http.Client{Timeout: 10 * time.Second}}
}

// Reserve asks for the goods. The delivery id lets the other side recognise a
// request that comes again.
func (w *warehouse) Reserve(ctx context.Context, deliveryID string, r order.Reservation) (string, error) {
	if w.url == "" {
		return "nowhere", nil
	}
	body, err := json.Marshal(r)
	if err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url, bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Idempotency-Key", deliveryID)
	res, err := w.client.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, 1<<10))
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("the warehouse answered %s", res.Status)
	}
	return string(answer), err
}
