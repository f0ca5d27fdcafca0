package cimd

import (
	"fmt"
	"net/netip"
	"syscall"
)

// special are the IPv4 ranges that are not the public Internet beside those
// that netip knows (RFC 6890 and its registry).
func special() []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix("0.0.0.0/8"),
		netip.MustParsePrefix("100.64.0.0/10"), // carrier-grade NAT
		netip.MustParsePrefix("192.0.0.0/24"),
		netip.MustParsePrefix("192.0.2.0/24"),
		netip.MustParsePrefix("192.88.99.0/24"),
		netip.MustParsePrefix("198.18.0.0/15"),
		netip.MustParsePrefix("198.51.100.0/24"),
		netip.MustParsePrefix("203.0.113.0/24"),
		netip.MustParsePrefix("240.0.0.0/4"),
		// IPv6 beyond 2000::/3 is refused below; these lie within it and
		// carry IPv4 addresses or are for documentation.
		netip.MustParsePrefix("2001::/23"),
		netip.MustParsePrefix("2001:db8::/32"),
		netip.MustParsePrefix("2002::/16"),
		netip.MustParsePrefix("3fff::/20"),
	}
}

// public is whether the address is one of the public Internet.
func public(addr netip.Addr) bool {
	addr = addr.Unmap()
	if !addr.IsGlobalUnicast() || addr.IsPrivate() || addr.Zone() != "" {
		return false
	}
	if addr.Is6() && !netip.MustParsePrefix("2000::/3").Contains(addr) {
		return false // among them NAT64, which would reach IPv4 by the back door
	}
	for _, p := range special() {
		if p.Contains(addr) {
			return false
		}
	}
	return true
}

// control is asked by the dialer after the name has been resolved and before
// the connection is made, so that no answer of a name server gets past it.
func control(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	if !public(at.Addr()) || at.Port() != 443 {
		return fmt.Errorf("%w: its host does not lead to the public Internet", ErrDocument)
	}
	return nil
}
