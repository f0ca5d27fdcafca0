package projections

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"till/domain/catalog"
	"till/domain/eventlog"
)

// products is the view of the catalogue: the products themselves, a row of what
// lists sort and filter by, every name that a product answers to, and the words
// that it is found by.
type products struct {
	*aggregate[catalog.State, catalog.Event]
	// changed is the position of the last change, for what is kept in memory of
	// the words in use.
	changed atomic.Uint64
	// names are the answers to names that were asked for.
	names *cache
	// moved is how products were listed before events of this write.
	moved []former
	// journal tells what is kept in memory of all products which changed.
	journal journal
}

// place is by what a product is sorted in lists: category, title in lower case,
// and lowest price in minor units.
type place struct {
	category, sorted string
	low              int64
}

// former is where a product stood in the lists until an event changed that.
type former struct {
	product string
	until   eventlog.Position
	place
}

// movesKept is how many former places of a product are kept: pages that were
// begun before it changed more often than that may show it twice or not.
const movesKept = 8

// meant is the product that a name stands for, and the SKU if it is one's.
type meant struct{ product, sku string }

func newProducts() *products {
	p := &products{aggregate: newAggregate("products", catalog.Decider(), fewStates), names: newCache(fewStates)}
	p.version = 2 // lists know what variants are like and where products stood
	p.noticed = func(id string, before, after catalog.State, at eventlog.Position) {
		if was := placeOf(before); before.ID != "" && was != placeOf(after) {
			p.moved = append(p.moved, former{id, at, was})
		}
	}
	return p
}

func placeOf(s catalog.State) place {
	low := int64(0)
	if len(s.Variants) > 0 {
		from, _ := prices(s.Product)
		low = from.Minor
	}
	return place{s.Category, strings.ToLower(s.Title), low}
}

func (p *products) about() about {
	// The search index keeps no text; its words say what it holds.
	return about{p.table, p.version, []string{p.table, "listings", "variants", "moves", "names", "words"}}
}

func (p *products) schema() []string {
	return append(p.aggregate.schema(),
		// doc numbers a product for the search index. sorted is the title in
		// lower case; low the lowest price in minor units.
		`CREATE TABLE listings (doc INTEGER PRIMARY KEY, product TEXT NOT NULL UNIQUE, category TEXT NOT NULL,
			sorted TEXT NOT NULL, low INTEGER NOT NULL, withdrawn INTEGER NOT NULL)`,
		// traits are the variant's options: a line each, the name, a tab, the value.
		`CREATE TABLE variants (product TEXT NOT NULL, sku TEXT NOT NULL, traits TEXT NOT NULL, PRIMARY KEY (product, sku)) WITHOUT ROWID`,
		// Where a product stood in the lists until an event, so that a list that
		// was begun before it goes on as it began.
		`CREATE TABLE moves (product TEXT NOT NULL, until INTEGER NOT NULL, category TEXT NOT NULL, sorted TEXT NOT NULL,
			low INTEGER NOT NULL, PRIMARY KEY (product, until)) WITHOUT ROWID`,
		// rank is 0 for an id, 1 for a handle, 2 for a SKU.
		`CREATE TABLE names (name TEXT NOT NULL, withdrawn INTEGER NOT NULL, rank INTEGER NOT NULL, product TEXT NOT NULL,
			sku TEXT NOT NULL, PRIMARY KEY (name, withdrawn, rank, product, sku)) WITHOUT ROWID`,
		`CREATE INDEX names_of ON names (product)`,
		`CREATE VIRTUAL TABLE search USING fts5 (title, tags, description, content = '', contentless_delete = 1,
			tokenize = "unicode61 remove_diacritics 2", prefix = '2 3')`,
		`CREATE VIRTUAL TABLE words USING fts5vocab (search, col)`)
}

func (p *products) write(c *conn, at eventlog.Position, live bool) error {
	if err := p.aggregate.write(c, at, live); err != nil {
		return err
	}
	ids := make([]string, 0, len(p.touched))
	for _, r := range p.touched {
		ids = append(ids, r.id)
		err := func() (err error) {
			defer p.guard(r, &err)
			return shelve(c, r.id, r.state)
		}()
		if err != nil {
			return fmt.Errorf("projections: write product: %w", err)
		}
	}
	for _, m := range p.moved {
		if err := m.write(c); err != nil {
			return fmt.Errorf("projections: write product: %w", err)
		}
	}
	p.journal.add(at, ids...)
	if len(p.touched) > 0 {
		p.names.forget(at)
		p.changed.Store(uint64(at))
	}
	return nil
}

// write puts the former place into the file and drops those before the last few.
func (m former) write(c *conn) error {
	if err := c.exec("INSERT OR REPLACE INTO moves VALUES (?, ?, ?, ?, ?)", m.product, int64(m.until), m.category, m.sorted, m.low); err != nil {
		return err
	}
	return c.exec(`DELETE FROM moves WHERE product = ?1 AND until <
		(SELECT min(until) FROM (SELECT until FROM moves WHERE product = ?1 ORDER BY until DESC LIMIT ?2))`, m.product, movesKept)
}

func (p *products) settle() {
	p.aggregate.settle()
	p.moved = p.moved[:0]
}

func (p *products) drop(id string, at eventlog.Position) {
	p.aggregate.drop(id, at)
	p.moved = slices.DeleteFunc(p.moved, func(m former) bool { return m.product == id })
	p.journal.add(at, id)
}

// shelve writes what a product is listed, named and found by.
func shelve(c *conn, id string, s catalog.State) error {
	at := placeOf(s)
	var doc int64
	if err := c.exec(`INSERT INTO listings (product, category, sorted, low, withdrawn) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (product) DO UPDATE SET category = excluded.category, sorted = excluded.sorted, low = excluded.low,
		withdrawn = excluded.withdrawn`, id, at.category, at.sorted, at.low, s.Withdrawn); err != nil {
		return err
	}
	if _, err := c.row("SELECT doc FROM listings WHERE product = ?", []any{id}, &doc); err != nil {
		return err
	}
	for _, clean := range []struct {
		query string
		key   any
	}{
		{"DELETE FROM variants WHERE product = ?", id},
		{"DELETE FROM names WHERE product = ?", id},
		{"DELETE FROM search WHERE rowid = ?", doc},
	} {
		if err := c.exec(clean.query, clean.key); err != nil {
			return err
		}
	}
	name := func(name string, rank int, sku string) error {
		return c.exec("INSERT OR IGNORE INTO names VALUES (?, ?, ?, ?, ?)", strings.ToLower(name), s.Withdrawn, rank, id, sku)
	}
	if err := name(id, 0, ""); err != nil {
		return err
	}
	if err := name(s.Handle, 1, ""); err != nil {
		return err
	}
	tags := append([]string{s.Category, s.Handle}, s.Tags...)
	tags = append(tags, s.Options...)
	for _, v := range s.Variants {
		tags = append(tags, v.Values...)
		if err := name(v.SKU, 2, v.SKU); err != nil {
			return err
		}
		if err := c.exec("INSERT OR IGNORE INTO variants VALUES (?, ?, ?)", id, v.SKU, traits(s.Options, v.Values)); err != nil {
			return err
		}
	}
	if s.Withdrawn {
		return nil
	}
	return c.exec("INSERT INTO search (rowid, title, tags, description) VALUES (?, ?, ?, ?)",
		doc, s.Title, strings.Join(tags, " "), s.Description)
}

// traits writes a variant's options. Neither names nor values hold control
// characters.
func traits(options, values []string) string {
	var b strings.Builder
	for i, value := range values[:min(len(values), len(options))] {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(options[i] + "\t" + value)
	}
	return b.String()
}
