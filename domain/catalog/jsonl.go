package catalog

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"till/domain/money"
)

// jsonHeader is the optional first line of our own format.
type jsonHeader struct {
	Format   int    `json:"till_catalog"`
	Currency string `json:"currency"`
}

// jsonProduct is one line of our own format.
type jsonProduct struct {
	ID          string        `json:"id"`
	Handle      string        `json:"handle"`
	Title       string        `json:"title"`
	Description string        `json:"description"`
	Category    string        `json:"category"`
	Tags        []string      `json:"tags"`
	Options     []string      `json:"options"`
	Variants    []jsonVariant `json:"variants"`
}

type jsonVariant struct {
	SKU      string      `json:"sku"`
	Values   []string    `json:"values"`
	Price    jsonDecimal `json:"price"`
	Currency string      `json:"currency"`
	Stock    *int        `json:"stock"`
}

// jsonDecimal is a decimal as it was written, "4.99" or 4.99: going through a
// float would change it.
type jsonDecimal string

func (d *jsonDecimal) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '"' {
		return json.Unmarshal(data, (*string)(d))
	}
	var n json.Number
	if err := json.Unmarshal(data, &n); err != nil {
		return errPrice
	}
	*d = jsonDecimal(n)
	return nil
}

var errPrice = errors.New(`a price is a decimal such as "4.99"`)

// ReadJSONL reads our own format: one product a line as a JSON object, after an
// optional first line {"till_catalog":1,"currency":"USD"}. It returns every
// fault of the file; unless there is none, the rows must not be used.
func ReadJSONL(r io.Reader) ([]Row, []Fault) { return readJSONL(r, MaxProducts) }

func readJSONL(r io.Reader, most int) ([]Row, []Fault) {
	in := bufio.NewReaderSize(limited(r), 64<<10)
	var found faults
	var rows []Row
	names := newNames(&found)
	currency, first := "USD", true
	for line := 1; ; line++ {
		data, long, err := readLine(in)
		if line == 1 {
			data = bytes.TrimPrefix(data, utf8BOM)
		}
		data = bytes.TrimSpace(data)
		switch {
		case long:
			found.add(line, "", "the line has more than %d bytes", MaxLineBytes)
		case len(data) == 0:
		case !utf8.Valid(data):
			found.add(line, "", "the line is not UTF-8; save the file as UTF-8")
		case isHeader(data):
			if c, ok := readHeader(data, line, first, &found); ok {
				currency = c
			} else {
				return nil, found.all()
			}
		default:
			row := Row{Line: line}
			if !row.fromJSON(data, currency, &found) {
				break
			}
			if len(rows) == most {
				found.add(line, "", "the file has more than %d products; cut it into several", most)
				return rows, found.all()
			}
			row.check(&found, nil)
			names.add(row)
			rows = append(rows, row)
		}
		if long || len(data) > 0 {
			first = false
		}
		if err != nil {
			if err != io.EOF {
				found.unreadable(line, err)
			}
			break
		}
	}
	if len(rows) == 0 && len(found.told) == 0 {
		found.add(0, "", "the file holds no product")
	}
	return rows, found.all()
}

var utf8BOM = []byte("\xef\xbb\xbf")

// readLine returns the next line without its end; long if it was beyond
// MaxLineBytes, in which case its data is dropped.
func readLine(in *bufio.Reader) (data []byte, long bool, err error) {
	for {
		part, err := in.ReadSlice('\n')
		if len(data)+len(part) > MaxLineBytes+1 {
			long, data = true, nil
		}
		if !long {
			data = append(data, part...)
		}
		if err != bufio.ErrBufferFull {
			return data, long, err
		}
	}
}

func isHeader(data []byte) bool {
	var h struct {
		Format json.RawMessage `json:"till_catalog"`
	}
	return bytes.Contains(data, []byte(`"till_catalog"`)) && json.Unmarshal(data, &h) == nil && h.Format != nil
}

// readHeader returns the file's currency; not ok means that the rest of the
// file cannot be understood either.
func readHeader(data []byte, line int, first bool, found *faults) (currency string, ok bool) {
	h := jsonHeader{Currency: "USD"}
	if err := strictly(data, &h); err != nil {
		found.add(line, "till_catalog", "the file's header: %v", err)
		return "", false
	}
	if !first {
		found.add(line, "till_catalog", "the file's header must be its first line")
		return "", false
	}
	if h.Format != 1 {
		found.add(line, "till_catalog", "the file has format %d, this till reads format 1; use a newer till", h.Format)
		return "", false
	}
	if !money.IsCurrency(h.Currency) {
		found.add(line, "currency", "the currency %q is not a code of three capital letters such as USD", cut(h.Currency))
		return "", false
	}
	return h.Currency, true
}

// fromJSON fills the row; false means that the line says no product at all.
func (row *Row) fromJSON(data []byte, currency string, found *faults) bool {
	var p jsonProduct
	if err := strictly(data, &p); err != nil {
		found.add(row.Line, "", "%v", err)
		return false
	}
	if p.ID == "" {
		p.ID = p.Handle
	}
	row.Product = Product{ID: p.ID, Handle: p.Handle, Title: p.Title, Description: p.Description, Category: p.Category, Tags: p.Tags, Options: p.Options}
	row.Stock = make(map[string]*int, len(p.Variants))
	for _, v := range p.Variants {
		if v.Currency == "" {
			v.Currency = currency
		}
		price, why := parsePrice(string(v.Price), v.Currency)
		if why != "" {
			found.add(row.Line, "price", "SKU %q: %s", cut(v.SKU), why)
			price = money.Of(0, v.Currency)
			if !money.IsCurrency(v.Currency) {
				price.Currency = currency // told once is enough
			}
		}
		if v.Stock != nil && (*v.Stock < 0 || *v.Stock > MaxStock) {
			found.add(row.Line, "stock", "SKU %q: the stock must be 0 to %d, it is %d", cut(v.SKU), MaxStock, *v.Stock)
		}
		row.Product.Variants = append(row.Product.Variants, Variant{SKU: v.SKU, Values: v.Values, Price: price})
		row.Stock[v.SKU] = v.Stock
	}
	return true
}

// parsePrice reads a price; why says in words what is wrong with it.
func parsePrice(text, currency string) (price money.Amount, why string) {
	if !money.IsCurrency(currency) {
		return price, fmt.Sprintf("the currency %q is not a code of three capital letters such as USD", cut(currency))
	}
	if strings.TrimSpace(text) == "" {
		return price, "the price is missing"
	}
	price, err := money.Parse(text, currency)
	switch {
	case errors.Is(err, money.ErrRange):
		return price, fmt.Sprintf("the price %q is too large", cut(text))
	case err != nil:
		return price, fmt.Sprintf("the price %q is not a decimal number with at most %d decimals such as 4.99", cut(text), money.Exponent(currency))
	}
	return price, ""
}

// strictly decodes exactly one JSON object without unknown fields, and words
// what is wrong for people.
func strictly(data []byte, into any) error {
	if data[0] != '{' {
		return errors.New("not a JSON object; each line holds one product as {…}")
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	err := dec.Decode(into)
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case err == nil:
		if rest := bytes.TrimSpace(data[dec.InputOffset():]); len(rest) > 0 {
			return errors.New("something stands after the product; each line holds exactly one")
		}
		return nil
	case errors.As(err, &kind):
		return fmt.Errorf("%s cannot be a %s", cut(kind.Field), kind.Value)
	case errors.As(err, &syntax):
		return fmt.Errorf("not valid JSON at byte %d: %v", syntax.Offset, syntax)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("not valid JSON: the line ends too early; a product may not span lines")
	}
	return errors.New(strings.TrimPrefix(err.Error(), "json: "))
}
