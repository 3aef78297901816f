package fetch

import (
	"net/url"
	"strconv"
	"strings"
)

const maxURL = 4096

func parse(address string) (*url.URL, error) {
	address = strings.TrimSpace(address)
	if address == "" {
		return nil, badURL("the URL is empty: give an http or https URL")
	}
	if len(address) > maxURL {
		return nil, badURL("the URL has %d bytes: use at most %d", len(address), maxURL)
	}
	u, err := url.Parse(address)
	if err != nil {
		return nil, badURL("the URL can't be read: %v", reason(err))
	}
	if err := checkURL(u); err != nil {
		return nil, err
	}
	u.Fragment, u.RawFragment = "", ""
	return u, nil
}

// checkURL is asked for the first URL and for each redirect.
func checkURL(u *url.URL) error {
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return badURL("the URL has the scheme %.20q: give an http or https URL", u.Scheme)
	case u.User != nil:
		return badURL("the URL has a user name or a password: give a URL without credentials")
	case u.Hostname() == "":
		return badURL("the URL has no host: give one such as https://example.com/receipt.pdf")
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return badURL("the URL has the port %.20q: give one of 1 to 65535", port)
		}
	}
	return nil
}

// reason drops the URL that net/url repeats in its errors.
func reason(err error) error {
	if e, ok := err.(*url.Error); ok { //nolint:errorlint // only the outermost repeats it
		return e.Err
	}
	return err
}
