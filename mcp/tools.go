package mcp

import (
	"slices"

	"till/domain/grant"
)

// tools are all tools; the SDK lists them by name, so their order is stable.
func (s *Server) tools() []tool {
	all := slices.Concat(s.productTools(), s.cartTools(), []tool{discountTool(), reorderTool()}, s.checkoutTools(), s.orderTools(), s.connectorTools(), s.adminTools())
	for i, t := range all {
		if t.past {
			all[i].args = slices.Concat(t.args, []argument{asOf})
		}
	}
	return all
}

// scopesOf are what a token must hold for each tool, all of them. A switch,
// because there are no globals here to fill.
func scopesOf(tool string) []string {
	switch tool {
	case "reorder":
		return []string{grant.CartWrite, grant.OrdersRead} // it tells of an order and fills the cart
	case "list_products", "search_products", "get_product", "search", "fetch":
		return []string{grant.CatalogRead}
	case "view_cart", "add_to_cart", "update_cart_quantity", "remove_from_cart", "clear_cart", "apply_discount_code", "review_checkout":
		return []string{grant.CartWrite}
	case "get_order_history", "get_order", "explain_order":
		return []string{grant.OrdersRead}
	case "checkout", viewsCheckout, "cancel_order", "request_return":
		return []string{grant.OrdersWrite}
	case "show_history", "replay_view", "why":
		return []string{grant.ShopAdmin}
	}
	return nil
}
