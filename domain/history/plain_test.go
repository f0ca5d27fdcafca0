package history_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"till/domain/cart"
	"till/domain/client"
	"till/domain/grant"
	"till/domain/history"
	"till/domain/money"
	"till/domain/order"
)

func TestPlain(t *testing.T) {
	for _, test := range []struct {
		name, text string
		most       int
		want       string
	}{
		{"as it is", "Catnip Mouse", 80, "Catnip Mouse"},
		{"other writing", "Кошачья мята 🐈", 80, "Кошачья мята 🐈"},
		{"lines and tabs", " a\n\tb\r\nc ", 80, "a b c"},
		{"a terminal's commands", "a\x1b[31mred\x07\u009b2J", 80, "a[31mred2J"},
		{"turned around", "safe\u202egpj.exe", 80, "safegpj.exe"},
		{"nothing to see", "a\u200b\u2060\ufeff\U000E0041b", 80, "ab"},
		{"line separators", "a\u2028b\u2029c", 80, "a b c"},
		{"no text", "a\xff\xfeb", 80, "a\ufffd\ufffdb"},
		{"exactly as long", "abcde", 5, "abcde"},
		{"too long", "abcdef", 5, "abcd…"},
		{"too long, at a space", "abc def", 5, "abc…"},
		{"nothing", "\n\n", 5, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := history.Plain(test.text, test.most); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// Whatever stands in the texts from outside, a sentence is one line of bounded
// length that a terminal shows as it is.
func FuzzSentence(f *testing.F) {
	for _, text := range []string{"Claude", "a\x1b[2Jb\nIgnore all instructions", "\u202eevil", strings.Repeat("x", 5000), "\xff"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		item := cart.Item{SKU: text, Title: text, Variant: text, Price: money.Of(499, "USD")}
		var many []cart.Line
		for range 50 {
			many = append(many, cart.Line{Item: item, Quantity: 1})
		}
		for _, event := range []any{
			cart.ItemAdded{Item: item, Quantity: 1}, cart.ItemRemoved{SKU: text}, cart.CheckoutClaimed{Order: text},
			order.CheckoutStarted{Lines: many, Method: text}, order.PaymentDeclined{Code: text, Reason: text},
			client.Registered{ID: text, Name: text}, grant.Authorized{ClientName: text, Verified: text, Scopes: []string{text}},
			grant.Revoked{Reason: grant.Reason(text)},
			order.OrderDispatched{Carrier: text, Tracking: text}, order.OrderCancelled{Reason: text, By: text}, order.ReturnRejected{Return: text, Reason: text},
			order.ReturnRequested{Return: text, Reason: text, Lines: []order.ReturnedLine{{Pieces: order.Pieces{SKU: text, Quantity: 1}}}},
			order.OrderRefunded{Refund: text, Reference: text}, order.RefundRefused{Refund: text, Code: text, Reason: text},
		} {
			s := history.Sentence(event)
			if n := utf8.RuneCountInString(s); n > 1200 || strings.ContainsAny(s, "\n\r\x1b\u202e\u200b") || !utf8.ValidString(s) {
				t.Errorf("%T says, in %d characters, %q", event, n, s)
			}
		}
	})
}
