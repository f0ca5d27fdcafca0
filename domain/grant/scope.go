package grant

import "slices"

// The scopes of the shop. Each of them includes CatalogRead.
const (
	CatalogRead = "catalog:read" // see products, prices and stock
	CartWrite   = "cart:write"   // see and change the cart
	OrdersRead  = "orders:read"  // see the orders of the past
	OrdersWrite = "orders:write" // place, pay and cancel orders; includes OrdersRead
	ShopAdmin   = "shop:admin"   // run the shop; only for administrators
)

// Scopes returns all scopes, the least first.
func Scopes() []string {
	return []string{CatalogRead, CartWrite, OrdersRead, OrdersWrite, ShopAdmin}
}

// Shopping returns the scopes that an ordinary shopping agent needs.
func Shopping() []string {
	return []string{CatalogRead, CartWrite, OrdersRead, OrdersWrite}
}

// Covers is whether the granted scopes include everything needed.
func Covers(granted []string, needed ...string) bool {
	for _, n := range needed {
		if !slices.ContainsFunc(granted, func(g string) bool { return includes(g, n) }) {
			return false
		}
	}
	return true
}

func includes(g, n string) bool {
	switch {
	case g == n:
		return true
	case n == CatalogRead:
		return slices.Contains(Scopes(), g)
	case n == OrdersRead:
		return g == OrdersWrite
	}
	return false
}

// Choose returns which of the asked scopes may be granted, in the order of
// [Scopes]: unknown ones and those above the person's role are dropped, and
// nothing left means CatalogRead, the least there is.
func Choose(asked []string, admin bool) []string {
	var chosen []string
	for _, s := range Scopes() {
		if slices.Contains(asked, s) && (s != ShopAdmin || admin) {
			chosen = append(chosen, s)
		}
	}
	if chosen == nil {
		return []string{CatalogRead}
	}
	return chosen
}
