package tests

import "testing"

func TestViewsInChromium(t *testing.T) {
	s := newStage(t, look{width: 720})
	s.shows("products", "search_products", args{"query": "mouse"}, nil)
	s.says("Catnip Mouse")
	s.shoot("view-products")
	s.press("Add Catnip Mouse to the cart")
	s.says("Added Catnip Mouse")
	s.shoot("view-added")
	s.press("Open the cart, 1 piece")
	s.says("Total")
	s.press("One Catnip Mouse more")
	s.says("Catnip Mouse: 2.")
	s.shoot("view-cart")
	s.press("Review and buy")
	s.says("Confirm and pay")
	s.shoot("view-review")
	s.press("Confirm and pay $9.98")
	s.says("Bought for $9.98")
	s.shoot("view-bought")
	s.shows("orders", "get_order_history", nil, nil)
	s.says("2 × Catnip Mouse")
}
