package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// dialect is what the shops say in words of their own.
type dialect struct {
	list, wand, mice, history string   // arguments
	listed                    []string // what the list of eight products holds
	total                     string   // of two mice and a wand, as an answer holds it
	// quotes is whether a purchase is reviewed first and placed with its quote.
	quotes bool
}

var (
	ours = dialect{
		list: `{"limit":8}`, wand: `{"product":"1"}`, mice: `{"product":"2","quantity":2}`, history: `{"limit":5}`,
		listed: []string{"8 of 99 products", `"handle":"cozy-cat-bed"`, `"next_cursor":"`}, total: `"total":{"amount":1997,`, quotes: true,
	}
	theirs = dialect{
		list: `{}`, wand: `{"product_id":1}`, mice: `{"product_id":2,"quantity":2}`, history: `{"number_of_orders":5}`,
		listed: []string{"Whisker Wand", "Cozy Cat Bed", "Scratching Post Tower"}, total: `"total":19.97`,
	}
)

// buyer is a person's client that shops on and on.
type buyer struct {
	*wire
	dialect
	// took is how long each call took.
	took []time.Duration
	// orders is how many were placed.
	orders int
}

// shop goes the whole way once: browse, two into the cart, look, buy, look up. Each
// answer must be right.
func (b *buyer) shop() error {
	list, err := b.timed("list_products", b.list)
	if err != nil {
		return err
	}
	for _, product := range b.listed {
		if !bytes.Contains(list, []byte(product)) {
			return fmt.Errorf("the list lacks %s: %.500s", product, list)
		}
	}
	for _, item := range []string{b.mice, b.wand} {
		if _, err := b.timed("add_to_cart", item); err != nil {
			return err
		}
	}
	if err := b.costs("view_cart", "{}"); err != nil {
		return err
	}
	buy := "{}"
	if b.quotes {
		review, err := b.timed("review_checkout", "{}")
		if err != nil {
			return err
		}
		quote, err := field(review, "quote_id")
		if err != nil {
			return err
		}
		buy = `{"quote_id":"` + quote + `"}`
	}
	bought, err := b.timed("checkout", buy)
	if err != nil {
		return err
	}
	if !bytes.Contains(bought, []byte(b.total)) {
		return fmt.Errorf("the order costs something else: %.500s", bought)
	}
	order, err := field(bought, "order_id")
	if err != nil {
		return err
	}
	b.orders++
	history, err := b.timed("get_order_history", b.history)
	if err == nil && !bytes.Contains(history, []byte(`"`+order+`"`)) {
		err = fmt.Errorf("the order %s is not in the history: %.500s", order, history)
	}
	return err
}

// costs makes a call whose answer must hold the total.
func (b *buyer) costs(tool, arguments string) error {
	answer, err := b.timed(tool, arguments)
	if err == nil && !bytes.Contains(answer, []byte(b.total)) {
		err = fmt.Errorf("%s tells another total: %.500s", tool, answer)
	}
	return err
}

func (b *buyer) timed(tool, arguments string) ([]byte, error) {
	began := time.Now()
	answer, err := b.call(tool, arguments)
	b.took = append(b.took, time.Since(began))
	return answer, err
}

// field is a text of the structured content, found without decoding the rest.
func field(answer []byte, name string) (string, error) {
	_, rest, ok := bytes.Cut(answer, []byte(`"`+name+`":"`))
	value, _, ended := bytes.Cut(rest, []byte(`"`))
	if !ok || !ended || len(value) == 0 {
		return "", fmt.Errorf("the answer has no %s: %.500s", name, answer)
	}
	return string(value), nil
}

// content decodes the structured content of an answer.
func content(answer []byte) (map[string]any, error) {
	var reply struct {
		Result struct {
			Content           []struct{ Text string }
			StructuredContent map[string]any
		}
	}
	if err := json.Unmarshal(answer, &reply); err != nil {
		return nil, err
	}
	if len(reply.Result.Content) == 0 || reply.Result.StructuredContent == nil {
		return nil, errors.New("the answer has no text or no structured content")
	}
	return reply.Result.StructuredContent, nil
}
