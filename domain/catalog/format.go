package catalog

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"strings"
)

// Format is a form in which a catalogue comes.
type Format string

// The formats that can be imported.
const (
	JSONL   Format = "jsonl"
	Shopify Format = "shopify"
)

// ErrFormat: a file in no form that can be imported.
var ErrFormat = errors.New("catalog: not a catalogue; give a JSON Lines file (one product a line) or a Shopify product CSV export")

// headBytes is how much of a file [Read] shows to [Detect].
const headBytes = 16 << 10

// Detect tells the format from the beginning of a file, and where that says
// nothing (an empty file) from its name; else it returns ErrFormat.
func Detect(name string, head []byte) (Format, error) {
	head = bytes.TrimSpace(bytes.TrimPrefix(head, utf8BOM))
	if bytes.HasPrefix(head, []byte("{")) {
		return JSONL, nil
	}
	if header, err := csv.NewReader(bytes.NewReader(head)).Read(); err == nil {
		if c := columnsOf(header); c.has("title") && (c.has("handle") || c.has("price")) {
			return Shopify, nil
		}
	}
	switch name = strings.ToLower(name); {
	case strings.HasSuffix(name, ".jsonl"), strings.HasSuffix(name, ".ndjson"):
		return JSONL, nil
	case strings.HasSuffix(name, ".csv"):
		return Shopify, nil
	}
	return "", ErrFormat
}

// Read reads a catalogue in the format that [Detect] finds. The currency is for
// formats that do not name one.
func Read(name string, r io.Reader, currency string) ([]Row, []Skip, []Fault) {
	in := bufio.NewReaderSize(r, headBytes)
	head, err := in.Peek(headBytes)
	if err != nil && err != io.EOF {
		var found faults
		found.unreadable(0, err)
		return nil, nil, found.all()
	}
	format, err := Detect(name, head)
	switch {
	case err != nil:
		return nil, nil, []Fault{{Message: strings.TrimPrefix(err.Error(), "catalog: ")}}
	case format == Shopify:
		return ReadShopify(in, currency)
	}
	rows, faults := ReadJSONL(in)
	return rows, nil, faults
}
