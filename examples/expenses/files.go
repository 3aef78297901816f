package main

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net/http"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/blob"
	"github.com/talix-dev/talix/examples/expenses/document"
	"github.com/talix-dev/talix/examples/expenses/fetch"
)

// files is the document service's FileStorage: downloads, kept in a storage.
type files struct {
	blob.Storage
	client *fetch.Client
}

var _ document.FileStorage = files{}

// PutFromURL downloads a file and stores it under a new key.
func (f files) PutFromURL(ctx context.Context, url string) (document.File, error) {
	download, err := f.client.Get(ctx, url)
	if err != nil {
		return document.File{}, explain(err)
	}
	defer download.Body.Close()
	key := rand.Text()
	size, err := f.Put(ctx, key, download.Body)
	if err != nil {
		return document.File{}, explain(err)
	}
	return document.File{Name: download.Name, Key: key, MediaType: download.MediaType, Size: size}, nil
}

// Open reads a stored file.
func (f files) Open(ctx context.Context, key string) (io.ReadCloser, error) {
	return f.Storage.Open(ctx, key)
}

// explain tells the caller whether the URL or the other side is at fault.
func explain(err error) error {
	failed, ok := errors.AsType[*fetch.Error](err)
	switch {
	case !ok:
		return err
	case failed.Invalid():
		return talix.Invalid("body.url", "%s", failed.Error())
	case failed.Kind == fetch.TimedOut:
		return talix.Reject("%s", failed.Error()).WithStatus(http.StatusGatewayTimeout)
	default:
		return talix.Reject("%s", failed.Error()).WithStatus(http.StatusBadGateway)
	}
}
