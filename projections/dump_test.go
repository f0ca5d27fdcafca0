package projections_test

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	_ "modernc.org/sqlite"
)

// dump is everything that the views hold, as text: every row of every table,
// and the words of the search index. What may differ between two files of the
// same history (nothing but where rows lie) is not in it.
func dump(t testing.TB, dir string) string {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "views.db")+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var b strings.Builder
	for _, query := range []string{
		"SELECT position, epoch, layout, mark FROM meta",
		"SELECT * FROM versions ORDER BY view",
		"SELECT * FROM quarantine ORDER BY category, id",
		"SELECT * FROM carts ORDER BY id",
		"SELECT * FROM orders ORDER BY id",
		"SELECT * FROM history ORDER BY user, nth",
		"SELECT * FROM products ORDER BY id",
		"SELECT * FROM listings ORDER BY doc",
		"SELECT * FROM variants ORDER BY product, sku",
		"SELECT * FROM names ORDER BY name, product, rank",
		"SELECT * FROM stock ORDER BY id",
		"SELECT * FROM grants ORDER BY id",
		"SELECT * FROM accounts ORDER BY id",
		"SELECT * FROM clients ORDER BY id",
		"SELECT * FROM sessions ORDER BY id",
		"SELECT * FROM commands ORDER BY id",
		"SELECT * FROM words ORDER BY term, col",
		"SELECT id, position, hex(entries) FROM trail ORDER BY id",
	} {
		b.WriteString(query + "\n")
		rows, err := db.Query(query)
		if err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		columns, _ := rows.Columns()
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		for rows.Next() {
			if err := rows.Scan(into...); err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&b, "  %v\n", values)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		rows.Close()
	}
	return b.String()
}
