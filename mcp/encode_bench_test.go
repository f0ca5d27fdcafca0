package mcp

import (
	"encoding/json"
	"testing"
)

// BenchmarkEncode is a tool's answer from its struct to what the SDK is given: a cart
// of three lines, in the text and as structured content. To hand the text's bytes on
// as the content would spare encoding the struct a second time, and is slower: what a
// marshaler returns is scanned and copied byte by byte.
func BenchmarkEncode(b *testing.B) {
	line := cartLine{SKU: "MOUSE-CATNIP", ProductID: "2", Handle: "catnip-mouse", Title: "Catnip Mouse", Quantity: 2,
		Price: price{499, "USD", "$4.99"}, Subtotal: price{998, "USD", "$9.98"}}
	cart := &basket{Lines: []cartLine{line, line, line}, Pieces: 6, Total: price{2994, "USD", "$29.94"}, Version: 7,
		NextSteps: []string{"review_checkout for the final total and a quote_id", "search_products to add more"}}
	encode := func(b *testing.B, structured func([]byte) any) {
		b.ReportAllocs()
		for b.Loop() {
			body, err := json.Marshal(cart)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := json.Marshal(&written{Content: [1]block{{"text", "The cart.\n" + string(body)}}, StructuredContent: structured(body)}); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.Run("twice", func(b *testing.B) { encode(b, func([]byte) any { return cart }) })
	b.Run("once", func(b *testing.B) { encode(b, func(body []byte) any { return json.RawMessage(body) }) })
}
