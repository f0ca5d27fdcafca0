package mcp

import (
	"slices"

	"till/domain/grant"
)

// tools are all tools; the SDK lists them by name, so their order is stable.
func (s *Server) tools() []tool {
	all := slices.Concat(s.productTools(), s.cartTools(), s.checkoutTools(), s.orderTools(), s.adminTools())
	for i, t := range all {
		if t.past {
			all[i].args = slices.Concat(t.args, []argument{asOf})
		}
	}
	return all
}

// scopeOf is what a token must hold for each tool. A switch, because there are
// no globals here to fill.
func scopeOf(tool string) string {
	switch tool {
	case "list_products", "search_products", "get_product":
		return grant.CatalogRead
	case "view_cart", "add_to_cart", "update_cart_quantity", "remove_from_cart", "clear_cart", "review_checkout":
		return grant.CartWrite
	case "get_order_history", "get_order", "explain_order":
		return grant.OrdersRead
	case "checkout":
		return grant.OrdersWrite
	case "show_history", "replay_view", "why":
		return grant.ShopAdmin
	}
	return ""
}
