package analyze

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
)

var _ Analyzer = (*Remote)(nil)

// RemoteConfig says which model reads the documents.
type RemoteConfig struct {
	Config
	// BaseURL of a server with OpenAI's interface, such as
	// "http://127.0.0.1:11434/v1". "/chat/completions" is added to it.
	BaseURL string
	// Model is the name that the server knows it by.
	Model string
	// Key is sent as a bearer token. Defaults to none.
	Key string
	// Timeout bounds one question. Defaults to 60 s.
	Timeout time.Duration
	// MaxPrompt is how many bytes of a document's text are sent: of a longer
	// one its start and its end. Defaults to 24 KiB.
	MaxPrompt int
	// MaxAnswer bounds the answer, in bytes. Defaults to 256 KiB.
	MaxAnswer int64
	// Transport carries the requests. Defaults to http.DefaultTransport.
	Transport http.RoundTripper
}

func (c RemoteConfig) withDefaults() RemoteConfig {
	if c.Timeout <= 0 {
		c.Timeout = time.Minute
	}
	if c.MaxPrompt <= 0 {
		c.MaxPrompt = 24 << 10
	}
	if c.MaxAnswer <= 0 {
		c.MaxAnswer = 256 << 10
	}
	return c
}

func (c RemoteConfig) check() error {
	var errs []error
	u, err := url.Parse(c.BaseURL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		errs = append(errs, errors.New("the model's base URL is none: give one such as https://host/v1, without a password in it"))
	}
	if c.Model == "" {
		errs = append(errs, errors.New("no model is named: give the name that the server knows it by"))
	}
	return errors.Join(errs...)
}

// ErrBadAnswer: the model answered, but not as it was asked. Another try may
// work.
var ErrBadAnswer = errors.New("the model's answer can't be used")

// RemoteError is a server's refusal.
type RemoteError struct {
	Status     int
	RetryAfter time.Duration // as the server wishes, 0 if it does not say
	message    string
}

// Error gives the status and what the server says.
func (e *RemoteError) Error() string {
	return strings.TrimSuffix(fmt.Sprintf("the model's server answered %d: %s", e.Status, e.message), ": ")
}

// permanent: the server does not take this document at all.
func (e *RemoteError) permanent() bool {
	return e.Status == http.StatusBadRequest || e.Status == http.StatusRequestEntityTooLarge || e.Status == http.StatusUnprocessableEntity
}

// Remote asks a model behind an HTTP interface as OpenAI's. The text is got
// out of the file here: the file itself is not sent.
type Remote struct {
	config RemoteConfig
	source source
	http   *http.Client
}

// NewRemote makes an analyzer; it fails if the configuration is not usable.
func NewRemote(config RemoteConfig) (*Remote, error) {
	if err := config.check(); err != nil {
		return nil, err
	}
	// No redirects: they would carry the key and the document elsewhere.
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	client := &http.Client{Transport: config.Transport, CheckRedirect: stay}
	return &Remote{config.withDefaults(), newSource(config.Config), client}, nil
}

// Analyze asks once. Its errors beside those of the text are *RemoteError,
// ErrBadAnswer, and those of the network.
func (r *Remote) Analyze(ctx context.Context, f File) (Analysis, error) {
	text, err := r.source.text(ctx, f)
	if err != nil {
		return Analysis{}, err
	}
	content, err := r.ask(ctx, text)
	if err != nil {
		return Analysis{}, fmt.Errorf("ask the model about %q: %w", f.Name, err)
	}
	analysis, err := readAnswer(content)
	if err != nil {
		return Analysis{}, fmt.Errorf("analyse %q: %w: %w", f.Name, ErrBadAnswer, err)
	}
	analysis.Text = r.source.keep(text)
	return analysis, nil
}

// ask sends a text and gives the content of the model's message.
func (r *Remote) ask(ctx context.Context, text string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, r.config.Timeout)
	defer cancel()
	request, err := r.request(ctx, text)
	if err != nil {
		return "", err
	}
	response, err := r.http.Do(request)
	if err != nil {
		return "", err
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, r.config.MaxAnswer+1))
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return "", err
	}
	switch {
	case response.StatusCode != http.StatusOK:
		return "", refusal(response, body)
	case int64(len(body)) > r.config.MaxAnswer:
		return "", fmt.Errorf("%w: it is larger than %d bytes", ErrBadAnswer, r.config.MaxAnswer)
	}
	return readCompletion(body)
}

func (r *Remote) request(ctx context.Context, text string) (*http.Request, error) {
	body, err := json.Marshal(newPrompt(r.config.Model, ends(text, r.config.MaxPrompt)))
	if err != nil {
		return nil, err
	}
	address := strings.TrimRight(r.config.BaseURL, "/") + "/chat/completions"
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	if r.config.Key != "" {
		request.Header.Set("Authorization", "Bearer "+r.config.Key)
	}
	return request, nil
}

// ends keeps the start and the end of a text, where documents say what they
// are and what they add up to.
func ends(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	start, end := text[:limit*3/4], text[len(text)-limit/4:]
	return strings.ToValidUTF8(start, "") + "\n[…]\n" + strings.ToValidUTF8(end, "")
}

func refusal(response *http.Response, body []byte) error {
	seconds, _ := strconv.Atoi(response.Header.Get("Retry-After"))
	var problem struct {
		Error struct {
			Message string `json:"message"`
		} `json:"error"`
	}
	_ = json.Unmarshal(body, &problem) // servers need not explain
	return &RemoteError{
		Status:     response.StatusCode,
		RetryAfter: time.Duration(max(0, min(seconds, 86400))) * time.Second,
		message:    printable(problem.Error.Message, 200),
	}
}

// printable makes a short line of a stranger's text.
func printable(text string, limit int) string {
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > limit {
		return string(runes[:limit]) + "…"
	}
	return text
}
