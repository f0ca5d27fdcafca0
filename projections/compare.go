package projections

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Difference is a row that two files of views do not have in common.
type Difference struct {
	// View is the view's name, Table the table in it, Key the row's key.
	View  string `json:"view"`
	Table string `json:"table"`
	Key   string `json:"key"`
	// Before and After are the row in the one and in the other file, by column;
	// nil where it is not there.
	Before map[string]any `json:"before,omitempty"`
	After  map[string]any `json:"after,omitempty"`
}

// Concerns is whether the row is about the person: theirs by its key, by a
// column or by its folded state.
func (d Difference) Concerns(user string) bool {
	for _, row := range []map[string]any{d.Before, d.After} {
		for _, name := range []string{"id", "user"} {
			if row[name] == user {
				return true
			}
		}
		if state, ok := row["state"].(json.RawMessage); ok {
			var of struct {
				User string `json:"user"`
			}
			if json.Unmarshal(state, &of) == nil && of.User == user {
				return true
			}
		}
	}
	return false
}

// differ hands out what the chosen views of two files do not have in common,
// view by view, by key.
func differ(ctx context.Context, before, after *conn, chosen map[string]bool, each func(Difference) error) error {
	return newTables().each(func(v view) error {
		a := v.about()
		if !chosen[a.name] {
			return nil
		}
		for _, table := range a.rows {
			t, err := tableOf(ctx, before, table)
			if err != nil {
				return err
			}
			err = t.differ(ctx, before, after, func(d Difference) error {
				d.View = a.name
				return each(d)
			})
			if err != nil {
				return fmt.Errorf("projections: compare %s: %w", table, err)
			}
		}
		return nil
	})
}

// table is a table with its columns, those of its key first.
type table struct {
	name    string
	columns []string
	keys    int
}

// tableOf asks SQLite for the columns. A table without a key, which the words of
// the search index are, has all columns as its key.
func tableOf(ctx context.Context, c *conn, name string) (table, error) {
	t := table{name: name}
	var rest []string
	key := map[int]string{}
	err := c.rows(ctx, "SELECT name, pk FROM pragma_table_xinfo(?) WHERE hidden = 0", []any{name}, func(scan func(...any) error) error {
		var column string
		var pk int
		if err := scan(&column, &pk); err != nil {
			return err
		}
		if pk > 0 {
			key[pk] = column
		} else {
			rest = append(rest, column)
		}
		return nil
	})
	for pk := 1; pk <= len(key); pk++ {
		t.columns = append(t.columns, key[pk])
	}
	t.keys = len(key)
	t.columns = append(t.columns, rest...)
	if t.keys == 0 {
		t.keys = len(t.columns)
	}
	return t, err
}

// differ goes through both tables side by side.
func (t table) differ(ctx context.Context, before, after *conn, each func(Difference) error) error {
	one, err := t.walk(ctx, before)
	if err != nil {
		return err
	}
	defer one.rows.Close()
	two, err := t.walk(ctx, after)
	if err != nil {
		return err
	}
	defer two.rows.Close()
	for one.row != nil || two.row != nil {
		var d Difference
		switch order := t.order(one.row, two.row); {
		case order < 0:
			d = Difference{Table: t.name, Key: t.key(one.row), Before: t.told(one.row)}
			err = one.next()
		case order > 0:
			d = Difference{Table: t.name, Key: t.key(two.row), After: t.told(two.row)}
			err = two.next()
		default:
			if !slices.EqualFunc(one.row, two.row, equal) {
				d = Difference{Table: t.name, Key: t.key(one.row), Before: t.told(one.row), After: t.told(two.row)}
			}
			if err = one.next(); err == nil {
				err = two.next()
			}
		}
		if err == nil && d.Table != "" {
			err = each(d)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// walker stands on a row of a table; row is nil behind the last.
type walker struct {
	rows *sql.Rows
	row  []any
	wide int
}

func (t table) walk(ctx context.Context, c *conn) (*walker, error) {
	quoted := make([]string, len(t.columns))
	for i, column := range t.columns {
		quoted[i] = `"` + column + `"`
	}
	// By bytes, as the keys are compared here.
	rows, err := c.sql.QueryContext(ctx, "SELECT "+strings.Join(quoted, ", ")+" FROM "+t.name+" ORDER BY "+strings.Join(quoted[:t.keys], ", "))
	if err != nil {
		return nil, err
	}
	w := &walker{rows: rows, wide: len(t.columns)}
	return w, w.next()
}

func (w *walker) next() error {
	if w.row = nil; !w.rows.Next() {
		return w.rows.Err()
	}
	row, into := make([]any, w.wide), make([]any, w.wide)
	for i := range row {
		into[i] = &row[i]
	}
	if err := w.rows.Scan(into...); err != nil {
		return err
	}
	w.row = row
	return nil
}

// order compares two rows by their keys; a missing one comes last.
func (t table) order(a, b []any) int {
	switch {
	case a == nil:
		return 1
	case b == nil:
		return -1
	}
	for i := range t.keys {
		if c := compareValues(a[i], b[i]); c != 0 {
			return c
		}
	}
	return 0
}

func equal(a, b any) bool { return compareValues(a, b) == 0 }

// key is the row's key as people write it.
func (t table) key(row []any) string {
	parts := make([]string, 0, t.keys)
	for _, v := range row[:t.keys] {
		parts = append(parts, fmt.Sprint(v))
	}
	return strings.Join(parts, "/")
}

// told is the row by column, the folded state as the JSON that it is.
func (t table) told(row []any) map[string]any {
	m := make(map[string]any, len(row))
	for i, column := range t.columns {
		m[column] = row[i]
		if text, ok := row[i].(string); ok && column == "state" && json.Valid([]byte(text)) {
			m[column] = json.RawMessage(bytes.Clone([]byte(text)))
		}
	}
	return m
}
