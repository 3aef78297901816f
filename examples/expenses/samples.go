package main

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"os"
	"time"
)

// testdata holds documents of the project's own making.
//
//go:embed testdata/*.txt testdata/*.html testdata/*.pdf testdata/*.png testdata/*.jpg
var testdata embed.FS

// serveSamples serves the sample documents on an address of this machine, and
// tells which address may be downloaded from though it is not public.
func serveSamples(ctx context.Context, address string) (netip.Prefix, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("serve samples on %s: %w: choose another address with --samples", address, err)
	}
	documents, err := fs.Sub(testdata, "testdata")
	if err != nil {
		return netip.Prefix{}, err
	}
	server := &http.Server{Handler: http.FileServerFS(documents), ReadHeaderTimeout: 10 * time.Second}
	go func() {
		if err := server.Serve(listener); err != nil {
			fmt.Fprintln(os.Stderr, "serve samples:", err)
		}
	}()
	fmt.Printf("samples on http://%s\n", listener.Addr())
	ip := listener.Addr().(*net.TCPAddr).AddrPort().Addr().Unmap()
	return netip.PrefixFrom(ip, ip.BitLen()), nil
}
