package authz

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// proxies are the addresses whose X-Forwarded-For is believed.
type proxies []netip.Prefix

// ParseProxies reads addresses and networks of reverse proxies: "10.0.0.7",
// "172.16.0.0/12", "loopback".
func ParseProxies(texts []string) (all []netip.Prefix, err error) {
	for _, text := range texts {
		if text == "loopback" {
			all = append(all, netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128"))
			continue
		}
		p, err := netip.ParsePrefix(text)
		if err != nil {
			addr, single := netip.ParseAddr(text)
			if single != nil {
				return nil, fmt.Errorf("%q is neither an address (10.0.0.7) nor a network (10.0.0.0/8) nor loopback", shorten(text, 60))
			}
			p = netip.PrefixFrom(addr, addr.BitLen())
		}
		if p.Bits() == 0 {
			return nil, fmt.Errorf("%s is everybody: then anybody could say where they come from; name the proxy's own address", text)
		}
		all = append(all, p.Masked())
	}
	return all, nil
}

func (p proxies) has(addr netip.Addr) bool {
	return slices.ContainsFunc(p, func(n netip.Prefix) bool { return n.Contains(addr) })
}

// of is the address that a request came from: that of the connection or, if it is a
// proxy's of ours, the last one in X-Forwarded-For that is not. What stands before
// that one anybody may have written.
func (p proxies) of(r *http.Request) (netip.Addr, bool) {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}, false
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Addr{}, false
	}
	addr = addr.Unmap().WithZone("")
	if !p.has(addr) {
		return addr, true
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		hop = strings.TrimSpace(hop)
		next, err := netip.ParseAddr(hop)
		if err != nil {
			with, err := netip.ParseAddrPort(hop)
			if err != nil {
				break // no proxy writes that
			}
			next = with.Addr()
		}
		if addr = next.Unmap().WithZone(""); !p.has(addr) {
			break
		}
	}
	return addr, true
}

// from is the address that a request came from, as limits count it: of IPv6 its /64,
// which is what one customer holds.
func (s *Server) from(r *http.Request) string {
	addr, ok := proxies(s.cfg.Proxies).of(r)
	if !ok {
		return "?"
	}
	if addr.Is6() {
		p, _ := addr.Prefix(64)
		return p.String()
	}
	return addr.String()
}
