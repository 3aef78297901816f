package console_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
)

// bench runs a bench to its end, and gives what came of it.
func (s *site) bench(body string) (b struct {
	Runs, Failed, Entities int64
	PerSecond, P50, Max    float64
	Errors                 []struct {
		Code  string
		Count int64
	}
}) {
	s.t.Helper()
	resp, text := s.send("POST", "/api/v1/bench", body, "Content-Type", "application/json")
	_, result, ok := strings.Cut(text, "event: result\ndata: ")
	if resp.StatusCode != http.StatusOK || !ok {
		s.t.Fatalf("%d %s", resp.StatusCode, text)
	}
	if err := json.Unmarshal([]byte(strings.TrimSpace(result)), &b); err != nil {
		s.t.Fatal(err)
	}
	return b
}

// Each run of a bench is one, and its times are true.
func TestBench(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.bench(`{"name":"account.deposit","input":{"amount":1},"callers":8,"entities":3,"prefix":"x","count":100,"seconds":600}`)
	if b.Runs != 100 || b.Failed != 0 || b.Entities != 3 || b.PerSecond <= 0 || b.P50 <= 0 || b.Max < b.P50 {
		t.Errorf("%+v", b)
	}
	if sum := s.balance("x0") + s.balance("x1") + s.balance("x2"); sum != 100 {
		t.Errorf("%d runs had an effect", sum)
	}
	if b := s.bench(`{"name":"account.withdraw","input":{"amount":1},"count":5}`); b.Failed != 5 || len(b.Errors) != 1 || b.Errors[0].Code != "rejected" {
		t.Errorf("%+v", b)
	}
	if b := s.bench(`{"name":"account.deposit","input":{"amount":1},"seconds":0.01}`); b.Failed != 0 {
		t.Errorf("what was cut is told as a failure: %+v", b)
	}
	if log := s.log.String(); strings.Count(log, `"what":"bench"`) != 3 {
		t.Error(log)
	}
}

func TestBenchIsBounded(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for body, want := range map[string]string{
		`{"name":"account.nothing"}`:                   "account.nothing",
		`{"name":"account.deposit","callers":1025}`:    "is from 1 to 1024",
		`{"name":"account.deposit","callers":-1}`:      "is from 1 to 1024",
		`{"name":"account.deposit","entities":-1}`:     "is from 1 to 1000000",
		`{"name":"account.deposit","seconds":601}`:     "is at most 600",
		`{"name":"account.deposit","seconds":-1}`:      "is at most 600",
		`{"name":"account.deposit","count":-1}`:        "not below zero",
		`{"name":"account.deposit","milliseconds":10}`: "milliseconds",
	} {
		if resp, text := s.send("POST", "/api/v1/bench", body, "Content-Type", "application/json"); resp.StatusCode/100 != 4 || !strings.Contains(text, want) {
			t.Errorf("%s: %d %s", body, resp.StatusCode, text)
		}
	}
}

// A bench ends when its caller leaves, and one is run at a time.
func TestBenchEndsWithItsCaller(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	const long = `{"name":"account.deposit","input":{"amount":1},"callers":2,"seconds":600}`
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/api/v1/bench", strings.NewReader(long))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := s.client.Do(req) // it answers once there is progress
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	s.answers(429, "another bench", "POST", "bench", long)
	cancel()
	s.eventually(func() bool {
		resp, _ := s.send("POST", "/api/v1/bench", `{"name":"account.deposit","input":{"amount":1},"count":1}`, "Content-Type", "application/json")
		return resp.StatusCode == http.StatusOK
	})
}

// A program that ends does not wait for a bench.
func TestBenchEndsWithItsProgram(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	time.AfterFunc(10*time.Millisecond, s.close)
	s.bench(`{"name":"account.deposit","input":{"amount":1},"callers":2,"seconds":600}`)
}
