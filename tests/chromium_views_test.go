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

// A discount stands between the lines and the total, in the cart, in the review and in
// the order; one that does not hold says why.
func TestADiscountInTheViews(t *testing.T) {
	s := newStage(t, look{width: 720})
	if out, code := till("code", "create", "BIG-5", "--amount", "5", "--min", "20", "--data", s.shop.Folder()); code != 0 {
		t.Fatal(out)
	}
	s.agent.call("add_to_cart", args{"product": "cozy-cat-bed"})
	s.shows("cart", "apply_discount_code", args{"code": "big-5"}, nil)
	s.says("Subtotal", "$29.99", "Discount BIG-5", "−$5.00", "$24.99")
	s.press("Review and buy")
	s.says("Discount BIG-5", "−$5.00", "Confirm and pay $24.99")
	s.press("Confirm and pay $24.99")
	s.says("Bought for $24.99", "Discount BIG-5", "−$5.00")
	s.agent.call("add_to_cart", args{"product": "cozy-cat-bed"})
	s.agent.call("apply_discount_code", args{"code": "BIG-5"})
	s.agent.call("remove_from_cart", args{"product": "cozy-cat-bed"})
	s.agent.call("add_to_cart", args{"product": "catnip-mouse"})
	s.shows("cart", "view_cart", nil, nil)
	s.says("$15.01 are missing", "$4.99")
}
