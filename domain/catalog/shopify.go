package catalog

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"till/domain/money"
)

// ReadShopify reads a product CSV file as Shopify exports it, with the column
// names of before or after 2025. The file does not say its currency, so the
// caller does. Products that are drafts, archived or unpublished, and gift
// cards, are left out and returned as skips. It returns every fault of the
// file; unless there is none, the rows must not be used.
func ReadShopify(r io.Reader, currency string) ([]Row, []Skip, []Fault) {
	return readShopify(r, currency, MaxProducts)
}

func readShopify(r io.Reader, currency string, most int) ([]Row, []Skip, []Fault) {
	s := shopReader{currency: currency, most: most}
	s.names = newNames(&s.found)
	if !money.IsCurrency(currency) {
		s.found.add(0, "currency", "the currency %q is not a code of three capital letters such as USD", cut(currency))
		return nil, nil, s.found.all()
	}
	in := bufio.NewReader(limited(r))
	if head, _ := in.Peek(len(utf8BOM)); bytes.Equal(head, utf8BOM) {
		_, _ = in.Discard(len(utf8BOM)) // cannot fail: it was just peeked
	}
	s.read(csv.NewReader(in))
	if len(s.rows)+len(s.skips) == 0 && len(s.found.told) == 0 {
		s.found.add(0, "", "the file holds no product")
	}
	return s.rows, s.skips, s.found.all()
}

// shopReader gathers the records of one product after the other.
type shopReader struct {
	currency string
	most     int // products
	columns  shopColumns
	found    faults
	names    *names
	rows     []Row
	skips    []Skip
	// group is the product being gathered: records of one handle, which stand
	// together in the file.
	group []shopRecord
	// seen holds the line of every handle read so far.
	seen map[string]int
}

type shopRecord struct {
	line   int
	handle string
	fields []string
}

func (s *shopReader) read(in *csv.Reader) {
	in.FieldsPerRecord = -1
	header, err := in.Read()
	if err != nil {
		s.trouble(1, err)
		return
	}
	s.columns = columnsOf(header)
	if missing := s.columns.missing(); len(missing) > 0 {
		hint := ""
		if len(header) == 1 && strings.ContainsAny(header[0], ";\t") {
			hint = "; the columns must be separated by commas"
		}
		s.found.add(1, "", "the first line lacks the column %s of a Shopify product export%s", strings.Join(missing, " and "), hint)
		return
	}
	s.seen = map[string]int{}
	for {
		fields, err := in.Read()
		if err == io.EOF {
			break
		}
		var parse *csv.ParseError
		if errors.As(err, &parse) {
			s.trouble(parse.StartLine, err)
			continue
		}
		if err != nil {
			s.trouble(0, err)
			break
		}
		line, _ := in.FieldPos(0)
		s.record(line, fields)
		if len(s.rows)+len(s.skips) >= s.most {
			s.found.add(line, "", "the file has more than %d products; cut it into several", s.most)
			return
		}
	}
	s.finish()
}

// trouble words why the CSV itself could not be read.
func (s *shopReader) trouble(line int, err error) {
	switch {
	case err == io.EOF:
		s.found.add(0, "", "the file is empty")
	case errors.Is(err, csv.ErrQuote), errors.Is(err, csv.ErrBareQuote):
		s.found.add(line, "", `the quotes do not pair up; a quote inside a field is written twice ("")`)
	default:
		s.found.unreadable(line, err)
	}
}

// record takes one record into the product it belongs to.
func (s *shopReader) record(line int, fields []string) {
	size, blank := 0, true
	for i, f := range fields {
		size += len(f)
		blank = blank && strings.TrimSpace(f) == ""
		if i >= s.columns.width && strings.TrimSpace(f) != "" {
			s.found.add(line, "", "the row has %d fields, the first line names %d", len(fields), s.columns.width)
			return
		}
		if !utf8.ValidString(f) {
			s.found.add(line, "", "the row is not UTF-8; save the file as UTF-8")
			return
		}
	}
	if size > MaxLineBytes {
		s.found.add(line, "", "the row has more than %d bytes", MaxLineBytes)
		return
	}
	if blank {
		return
	}
	handle := s.columns.of(fields, "handle")
	if handle == "" {
		handle = slug(s.columns.of(fields, "title"))
	}
	if handle == "" {
		s.found.add(line, "Handle", "the row names no product: Handle is missing")
		return
	}
	if len(s.group) > 0 && s.group[0].handle != handle {
		s.finish()
	}
	if len(s.group) == 0 {
		if first, again := s.seen[handle]; again {
			s.found.add(line, "Handle", "handle %q stands on line %d already; the rows of one product must stand together", cut(handle), first)
			return
		}
		s.seen[handle] = line
	}
	s.group = append(s.group, shopRecord{line, handle, fields})
}

// finish turns the gathered records into a row, or a skip.
func (s *shopReader) finish() {
	if len(s.group) == 0 {
		return
	}
	group := s.group
	s.group = nil
	if why := s.offOffer(group[0].fields); why != "" {
		s.skips = append(s.skips, Skip{group[0].line, cut(group[0].handle), why})
		return
	}
	row, lines := s.product(group)
	if len(row.Product.Variants) == 0 {
		s.found.add(row.Line, "Price", "product %q has no row with a price", cut(row.Product.Handle))
		return
	}
	row.check(&s.found, lines)
	s.names.add(row)
	s.rows = append(s.rows, row)
}

// offOffer says why the shop that exported the product did not sell it, or
// nothing if it did. An absent or empty column means that it did.
func (s *shopReader) offOffer(first []string) string {
	switch status := strings.ToLower(s.columns.of(first, "status")); status {
	case "", "active":
	default:
		return fmt.Sprintf("its status is %q", cut(status))
	}
	if strings.EqualFold(s.columns.of(first, "published"), "false") {
		return "it is not published"
	}
	if strings.EqualFold(s.columns.of(first, "gift card"), "true") {
		return "it is a gift card"
	}
	return ""
}
