package tests

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sync/errgroup"

	"till/cmd"
)

func TestTwoPeopleNeverSeeEachOther(t *testing.T) {
	shop := serve(t, t.TempDir())
	alice, bob := shopper(t, shop, "alice"), shopper(t, shop, "bob")

	alice.call("add_to_cart", args{"product": "catnip-mouse", "quantity": 2})
	if n := len(bob.call("view_cart", nil).at("lines").([]any)); n != 0 {
		t.Errorf("bob's cart holds %d lines of alice's", n)
	}
	quote := alice.call("review_checkout", nil).text("quote_id")
	if out, err := bob.try("checkout", args{"quote_id": quote}); err != nil || !out.IsError {
		t.Errorf("bob buys alice's quote: %+v, %v", out, err)
	}
	order := alice.call("checkout", args{"quote_id": quote}).text("order_id")
	if n := len(bob.call("get_order_history", nil).at("orders").([]any)); n != 0 {
		t.Errorf("bob's history holds %d orders of alice's", n)
	}
	if out, err := bob.try("get_order", args{"order_id": order}); err != nil || !out.IsError {
		t.Errorf("bob reads alice's order: %+v, %v", out, err)
	}
	if got := alice.call("get_order", args{"order_id": order}).text("order_id"); got != order {
		t.Errorf("alice reads %q, her order is %q", got, order)
	}
}

func TestARestartFindsEverythingAsItWas(t *testing.T) {
	dir := t.TempDir()
	shop := serve(t, dir)
	token := login(t, shop.Endpoint, "alice", shop.Users["alice"], scopes)
	alice := connect(t, shop.Endpoint, token)
	alice.call("add_to_cart", args{"product": 2, "quantity": 3})
	order := alice.call("checkout", nil).text("order_id")
	alice.call("add_to_cart", args{"product": "whisker-wand"})
	password := shop.Users["alice"]
	if err := shop.Stop(); err != nil {
		t.Fatal(err)
	}

	shop = serveAt(t, dir, address(t, shop.Endpoint))
	if shop.Users["alice"] != password {
		t.Error("the demo password changed")
	}
	alice = connect(t, shop.Endpoint, token) // the same token: nobody logs in again
	if got := alice.call("view_cart", nil).text("lines.0.handle"); got != "whisker-wand" {
		t.Errorf("the cart holds %q", got)
	}
	if got := alice.call("get_order_history", nil).text("orders.0.order_id"); got != order {
		t.Errorf("the newest order is %q, not %q", got, order)
	}
}

func TestManyCheckoutsOfOneQuote(t *testing.T) {
	shop := serve(t, t.TempDir())
	token := login(t, shop.Endpoint, "alice", shop.Users["alice"], scopes)
	alice := connect(t, shop.Endpoint, token)
	alice.call("add_to_cart", args{"product": "salmon-treats", "quantity": 2})
	quote := alice.call("review_checkout", nil).text("quote_id")

	orders := make([]string, 32)
	var wg sync.WaitGroup
	for i := range orders {
		agent := connect(t, shop.Endpoint, token)
		wg.Go(func() {
			out, err := agent.try("checkout", args{"quote_id": quote})
			if err != nil || out.IsError {
				t.Errorf("call %d: %+v, %v", i, out, err)
				return
			}
			orders[i] = out.text("order_id")
		})
	}
	wg.Wait()
	for _, o := range orders {
		if o == "" || o != orders[0] {
			t.Fatalf("the orders are %q", orders)
		}
	}
	if got := alice.call("get_order_history", nil).at("total"); got != 1.0 {
		t.Errorf("%v orders stand in the history", got)
	}
}

func TestManyBuyersForTenPieces(t *testing.T) {
	shop := serve(t, t.TempDir())
	stocked(t, shop, `{"handle":"rare-thing","title":"Rare Thing","category":"toys","variants":[{"sku":"RARE","price":"10.00","stock":10}]}`)
	buyers := people(t, shop, manyBuyers)
	var wg sync.WaitGroup
	var mu sync.Mutex
	placed, refused := 0, map[string]int{}
	for i, buyer := range buyers {
		wg.Go(func() {
			out, err := buyer.try("add_to_cart", args{"product": "rare-thing"})
			if err == nil && !out.IsError {
				out, err = buyer.try("checkout", nil)
			}
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err != nil:
				t.Errorf("buyer %d: %v", i, err)
			case out.IsError:
				refused[out.text("code")]++
			default:
				placed++
			}
		})
	}
	wg.Wait()
	total := 0
	for code, n := range refused {
		total += n
		if code != "insufficient_stock" && code != "out_of_stock" {
			t.Errorf("%d were refused with %q", n, code)
		}
	}
	if placed != 10 || total != manyBuyers-10 {
		t.Errorf("%d orders, refused %v", placed, refused)
	}
	if got := shopper(t, shop, "alice").call("get_product", args{"product": "rare-thing"}).text("variants.0.availability"); got != "out" {
		t.Errorf("ten of ten pieces are sold and it is %q", got)
	}
}

// people opens accounts and logs each person's agent in by the real flow.
func people(t *testing.T, shop *cmd.Running, n int) []*agent {
	t.Helper()
	agents := make([]*agent, n)
	var group errgroup.Group
	group.SetLimit(4) // password hashes are slow on purpose
	for i := range agents {
		group.Go(func() error {
			name, password := fmt.Sprintf("buyer%d", i), "correct horse battery"
			if err := shop.AddUser(context.Background(), name, password); err != nil {
				return err
			}
			token, err := cmd.Login(context.Background(), shop.Endpoint, name, password, scopes)
			if err == nil {
				agents[i] = connect(t, shop.Endpoint, token)
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	return agents
}

// stocked imports products into a running shop, as its owner would.
func stocked(t *testing.T, shop *cmd.Running, products string) {
	t.Helper()
	bring(t, shop.Folder(), products)
}

// bring imports products with the program's own command.
func bring(t *testing.T, dir, products string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "products.jsonl")
	if err := os.WriteFile(file, []byte(products), 0o600); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if code := cmd.Main([]string{"catalog", "import", file, "--data", dir}, strings.NewReader(""), &out, &out); code != 0 {
		t.Fatalf("the import exits %d: %s", code, &out)
	}
}

// Whatever is in stock can be put into a cart by the SKU that get_product
// names, also where that is the handle in capitals.
func TestEverythingInStockCanBeBought(t *testing.T) {
	shop := serve(t, t.TempDir())
	stocked(t, shop, `{"handle":"cat-kite","title":"Cat Kite","category":"toys","variants":[{"sku":"CAT-KITE","price":"10.00","stock":7}]}`)
	alice := shopper(t, shop, "alice")
	seen, cursor := 0, ""
	for {
		in := args{"limit": 25, "in_stock": true}
		if cursor != "" {
			in["cursor"] = cursor
		}
		page := alice.call("list_products", in)
		for _, p := range page.at("products").([]any) {
			product := alice.call("get_product", args{"product": answer{Data: p.(map[string]any)}.text("handle")})
			for _, v := range product.at("variants").([]any) {
				variant := answer{Data: v.(map[string]any)}
				if variant.text("availability") == "out" {
					continue
				}
				alice.call("add_to_cart", args{"product": variant.text("sku")})
				alice.call("clear_cart", nil)
				seen++
			}
		}
		if cursor = page.text("next_cursor"); cursor == "" {
			break
		}
	}
	if seen < 150 {
		t.Errorf("only %d variants were tried", seen)
	}
}
