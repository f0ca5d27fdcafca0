package checkout

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"till/domain/order"
)

// A quote id is "q_" and base64url of: the time of issue in milliseconds (8
// bytes, 0 for the quote of a checkout that named none), the cart's version (8),
// a digest of lines and total (12), a MAC over person and all before it (16).
const (
	signed = 8 + 8 + 12
	macked = signed + 16
)

// ticket is what a quote id says once its MAC has been checked.
type ticket struct {
	issued  time.Time
	version uint64
	digest  [12]byte
}

// sign returns the quote's id. With a zero time the id depends on nothing but
// person and cart, so that a retry of a checkout without a quote is the same
// order.
func sign(secret []byte, q Quote, issued time.Time) string {
	var b [macked]byte
	if !issued.IsZero() {
		binary.BigEndian.PutUint64(b[:], uint64(issued.UnixMilli()))
	}
	binary.BigEndian.PutUint64(b[8:], q.CartVersion)
	d := digest(q)
	copy(b[16:], d[:])
	copy(b[signed:], mac(secret, q.User, b[:signed]))
	return "q_" + base64.RawURLEncoding.EncodeToString(b[:])
}

// open checks a quote id for the person. It returns ErrQuote for anything that
// this shop did not sign for them.
func open(secret []byte, user, id string) (ticket, error) {
	t, b, ok := read(id)
	if !ok || !hmac.Equal(b[signed:], mac(secret, user, b[:signed])) {
		return ticket{}, ErrQuote
	}
	return t, nil
}

// read takes a quote id apart, whoever signed it.
func read(id string) (t ticket, b []byte, ok bool) {
	text, ok := strings.CutPrefix(strings.TrimSpace(id), "q_")
	if !ok || len(text) != base64.RawURLEncoding.EncodedLen(macked) {
		return t, nil, false
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return t, nil, false
	}
	t.version = binary.BigEndian.Uint64(b[8:])
	if ms := binary.BigEndian.Uint64(b); ms > 0 {
		t.issued = time.UnixMilli(int64(ms))
	}
	copy(t.digest[:], b[16:])
	return t, b, true
}

func mac(secret []byte, user string, signed []byte) []byte {
	h := hmac.New(sha256.New, secret)
	fmt.Fprintf(h, "quote\x00%s\x00", user)
	h.Write(signed)
	return h.Sum(nil)[:macked-len(signed)]
}

// digest is a hash over what the buyer would pay for what.
func digest(q Quote) (d [12]byte) {
	h := sha256.New()
	for _, l := range q.Lines {
		fmt.Fprintf(h, "%s\x00%d\x00%d\x00", l.SKU, l.Quantity, l.Price.Minor)
	}
	fmt.Fprintf(h, "%d\x00%s", q.Total.Minor, q.Total.Currency)
	if q.Discount != nil {
		fmt.Fprintf(h, "\x00%s\x00%d", q.Discount.Code, q.Discount.Amount.Minor)
	}
	copy(d[:], h.Sum(nil))
	return d
}

// OrderID is the number of the order that buying the quote makes: 50 bits of
// the quote's hash, speakable: "CS-7K3M9-Q2X4T". A retry is the same order.
func OrderID(quote string) string { return order.Speakable("CS", "order\x00"+quote, 2) }
