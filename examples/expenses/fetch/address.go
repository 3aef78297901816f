package fetch

import (
	"context"
	"fmt"
	"net/netip"
	"syscall"
)

// special are the ranges of the IANA special-purpose registries that are not
// reached over the public internet, or lead to another address.
var special = []struct {
	prefix netip.Prefix
	what   string
}{
	{netip.MustParsePrefix("0.0.0.0/8"), "of this network"},
	{netip.MustParsePrefix("10.0.0.0/8"), "private"},
	{netip.MustParsePrefix("100.64.0.0/10"), "of a provider's inner network"},
	{netip.MustParsePrefix("127.0.0.0/8"), "loopback"},
	{netip.MustParsePrefix("169.254.0.0/16"), "link-local"},
	{netip.MustParsePrefix("172.16.0.0/12"), "private"},
	{netip.MustParsePrefix("192.0.0.0/24"), "reserved"},
	{netip.MustParsePrefix("192.0.2.0/24"), "reserved for documentation"},
	{netip.MustParsePrefix("192.31.196.0/24"), "reserved"},
	{netip.MustParsePrefix("192.52.193.0/24"), "reserved"},
	{netip.MustParsePrefix("192.88.99.0/24"), "reserved"},
	{netip.MustParsePrefix("192.168.0.0/16"), "private"},
	{netip.MustParsePrefix("192.175.48.0/24"), "reserved"},
	{netip.MustParsePrefix("198.18.0.0/15"), "reserved for benchmarks"},
	{netip.MustParsePrefix("198.51.100.0/24"), "reserved for documentation"},
	{netip.MustParsePrefix("203.0.113.0/24"), "reserved for documentation"},
	{netip.MustParsePrefix("224.0.0.0/4"), "multicast"},
	{netip.MustParsePrefix("240.0.0.0/4"), "reserved"},
	{netip.MustParsePrefix("::/128"), "unspecified"},
	{netip.MustParsePrefix("::1/128"), "loopback"},
	{netip.MustParsePrefix("64:ff9b::/96"), "a translation of another address"},
	{netip.MustParsePrefix("64:ff9b:1::/48"), "a translation of another address"},
	{netip.MustParsePrefix("fc00::/7"), "private"},
	{netip.MustParsePrefix("fe80::/10"), "link-local"},
	{netip.MustParsePrefix("fec0::/10"), "private"},
	{netip.MustParsePrefix("ff00::/8"), "multicast"},
	{netip.MustParsePrefix("2001::/23"), "reserved"},
	{netip.MustParsePrefix("2001:db8::/32"), "reserved for documentation"},
	{netip.MustParsePrefix("2002::/16"), "a translation of another address"},
	{netip.MustParsePrefix("2620:4f:8000::/48"), "reserved"},
	{netip.MustParsePrefix("3fff::/20"), "reserved for documentation"},
}

// globalUnicast is all of IPv6 that is given out; the rest is reserved.
var globalUnicast = netip.MustParsePrefix("2000::/3")

// control is called with the address that a connection is about to be made
// to, after names are resolved and for each redirect.
func (c *Client) control(_ context.Context, _, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("read the address %q: %w", address, err)
	}
	return c.checkAddr(to.Addr())
}

func (c *Client) checkAddr(addr netip.Addr) error {
	addr = plain(addr)
	what := notPublic(addr)
	if what == "" || c.config.AllowPrivate {
		return nil
	}
	for _, allowed := range c.config.Allow {
		if allowed.Contains(addr) {
			return nil
		}
	}
	return refused(what)
}

// plain undoes what a prefix doesn't see through: a mapped address, a zone.
func plain(addr netip.Addr) netip.Addr {
	return addr.Unmap().WithZone("")
}

// notPublic says what keeps an address from being public, or nothing.
func notPublic(addr netip.Addr) string {
	addr = plain(addr)
	for _, s := range special {
		if s.prefix.Contains(addr) {
			return s.what
		}
	}
	if addr.Is6() && !globalUnicast.Contains(addr) {
		return "reserved"
	}
	return ""
}
