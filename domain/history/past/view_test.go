package past_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"till/domain/cart"
	"till/domain/eventlog"
	"till/domain/grant"
	"till/domain/history"
	"till/domain/history/past"
	"till/domain/money"
	"till/domain/order"
	"till/domain/stock"
)

func TestView(t *testing.T) {
	for _, test := range []struct {
		name  string
		state any
		want  string
	}{
		{"nothing", nil, `{}`},
		{"a cart", cart.State{Lines: []cart.Line{{Item: wand, Quantity: 1}, {Item: mouse, Quantity: 2}}, Revision: 3},
			`{"lines":{"WAND":{"product":"3","handle":"wand","title":"Wand","price":"$9.99","quantity":1},` +
				`"MOUSE":{"product":"2","handle":"mouse","title":"Mouse","price":"$4.99","quantity":2}},"revision":3}`},
		{"lines that do not tell themselves apart", cart.State{Lines: []cart.Line{{Item: mouse}, {Item: mouse}}},
			`{"lines":{"1":{"sku":"MOUSE","product":"2","handle":"mouse","title":"Mouse","price":"$4.99","quantity":0},"2":{"sku":"MOUSE","product":"2","handle":"mouse","title":"Mouse","price":"$4.99","quantity":0}}}`},
		{"a stock", stock.State{Known: true, OnHand: 3, Reserved: map[string]stock.Reservation{"CS-1/1": {Quantity: 1, Until: at}}},
			`{"known":true,"on_hand":3,"reserved":{"CS-1/1":{"quantity":1,"until":"2026-11-23T12:00:00Z"}}}`},
		{"an order's code is no secret", struct {
			Code  string       `json:"code"`
			Total money.Amount `json:"total"`
		}{"card_declined", money.Of(5, "USD")}, `{"code":"card_declined","total":"$0.05"}`},
		{"a terminal's commands", cart.State{Claim: "a\x1b[2J"}, `{"claim":"a[2J"}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			view, err := past.View(test.state)
			if err != nil {
				t.Fatal(err)
			}
			data, err := json.Marshal(view)
			if err != nil || string(data) != test.want {
				t.Errorf("got  %s (%v)\nwant %s", data, err, test.want)
			}
		})
	}
}

const secret = "SECRET-of-somebody"

// No state may get a field for a secret that the view does not know of.
func TestSecretsAreNotShown(t *testing.T) {
	for category, fold := range history.Folds() {
		state := reflect.New(reflect.TypeOf(fold.Zero)).Elem()
		fill(state)
		view, err := past.View(state.Interface())
		if err != nil {
			t.Fatal(err)
		}
		data, err := json.Marshal(view)
		if err != nil {
			t.Fatal(err)
		}
		if len(view) == 0 || strings.Contains(string(data), secret) {
			t.Errorf("a %s is shown as %s", category, data)
		}
	}
	view, _ := past.View(order.State{Code: "card_declined"})
	if data, _ := json.Marshal(view); !strings.Contains(string(data), "card_declined") {
		t.Errorf("an order's code is hidden: %s", data)
	}
}

// fill puts a secret into every field that by its type or name holds one, and
// an element into every list.
func fill(v reflect.Value) {
	switch v.Interface().(type) {
	case grant.Hash:
		v.SetString(secret)
		return
	case eventlog.Sealed:
		v.Set(reflect.ValueOf(eventlog.Sealed{Of: secret, Data: []byte(secret)}))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			field := v.Field(i)
			if !field.CanSet() {
				continue
			}
			fill(field)
			switch v.Type().Field(i).Name {
			case "Credential", "Challenge", "Password", "Secret", "Verifier":
				if field.Kind() == reflect.String {
					field.SetString(secret)
				}
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	}
}
