package catalog

import (
	"fmt"
	"strings"
	"testing"
)

// The bound on products is tried at 3, since at 200,000 it takes long and shows
// no more.
func TestProductsAreBounded(t *testing.T) {
	const most = 3
	for n := most - 1; n <= most+2; n++ {
		jsonl, shopify := "", "Handle,Title,Variant SKU,Variant Price,Status\n"
		for i := range n {
			jsonl += fmt.Sprintf(`{"handle":"b%d","title":"B","category":"c","variants":[{"sku":"S%d","price":1}]}`+"\n", i, i)
			status := "active"
			if i == 0 {
				status = "draft" // a product left out counts too
			}
			shopify += fmt.Sprintf("b%d,B,S%d,1,%s\n", i, i, status)
		}
		_, faults := readJSONL(strings.NewReader(jsonl), most)
		_, _, more := readShopify(strings.NewReader(shopify), "USD", most)
		for _, got := range [][]Fault{faults, more} {
			told := strings.Contains(fmt.Sprint(got), "the file has more than 3 products")
			if told != (n > most) {
				t.Errorf("%d products: %v", n, got)
			}
		}
	}
}
