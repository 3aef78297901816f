package fetch

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
)

// File is a download that has begun.
type File struct {
	// Name is what the server calls the file, or the end of the URL's path:
	// one path element, safe to show and to store.
	Name string
	// MediaType is what the server says, without parameters; what the file
	// is has to be read from its content.
	MediaType string
	// URL is where the file was found after redirects.
	URL string
	// Size is what the server announced, -1 if it did not.
	Size int64
	// Body fails with an *Error of the kind TooLarge, TimedOut or
	// Unreachable. It has to be closed.
	Body io.ReadCloser
}

func newFile(r *http.Response, body io.ReadCloser) *File {
	mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || mediaType == "" {
		mediaType = "application/octet-stream"
	}
	return &File{
		Name:      fileName(r, mediaType),
		MediaType: mediaType,
		URL:       r.Request.URL.String(),
		Size:      r.ContentLength,
		Body:      body,
	}
}

// body is the response's body with the client's limits and errors.
type body struct {
	ctx      context.Context //nolint:containedctx // ends with the body, as http.Request's does
	cancel   func()
	client   *Client
	response *http.Response
	left     int64
	err      error
}

func (b *body) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	if int64(len(p)) > b.left+1 { // one more tells a full file from a larger one
		p = p[:b.left+1]
	}
	n, err := b.response.Body.Read(p)
	if int64(n) > b.left {
		n, err = int(b.left), b.client.tooLarge()
	}
	b.left -= int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		err = b.client.explain(b.ctx, b.response.Request.URL.Hostname(), err)
	}
	b.err = err
	return n, err
}

func (b *body) Close() error {
	b.cancel()
	if b.err == nil {
		b.err = http.ErrBodyReadAfterClose
	}
	return b.response.Body.Close()
}
