package projections

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// conn is one connection to a file of views with its prepared statements. One
// goroutine at a time uses it.
type conn struct {
	sql   *sql.Conn
	stmts map[string]*sql.Stmt
}

// open returns a database over the file. There is no mmap: a file that somebody
// cuts short under a mapping would kill the process (SIGBUS), and the whole
// point of the checks is that a broken file never does.
func open(path string, pragmas ...string) (*sql.DB, error) {
	q := make([]string, len(pragmas))
	for i, p := range pragmas {
		q[i] = "_pragma=" + url.QueryEscape(p)
	}
	name := (&url.URL{Path: path}).EscapedPath()
	return sql.Open("sqlite", "file:"+name+"?"+strings.Join(q, "&"))
}

func dial(ctx context.Context, db *sql.DB) (*conn, error) {
	c, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	return &conn{sql: c, stmts: map[string]*sql.Stmt{}}, nil
}

// stmt returns the prepared statement. Statements live as long as the
// connection; there are a few dozen of them.
func (c *conn) stmt(query string) (*sql.Stmt, error) {
	if s := c.stmts[query]; s != nil {
		return s, nil
	}
	s, err := c.sql.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, fmt.Errorf("projections: prepare %q: %w", query, err)
	}
	c.stmts[query] = s
	return s, nil
}

// exec runs a statement. It is not given up half-way: what writes is bounded
// already, and the driver pays a goroutine for each context that can end.
func (c *conn) exec(query string, args ...any) error {
	s, err := c.stmt(query)
	if err != nil {
		return err
	}
	_, err = s.Exec(args...)
	return err
}

// row scans the first row of a query that a key answers; ok is whether there
// is one.
func (c *conn) row(query string, args []any, into ...any) (ok bool, err error) {
	s, err := c.stmt(query)
	if err != nil {
		return false, err
	}
	err = scanned(s.QueryRow(args...).Scan(into...))
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// scanned tells a value of another type than the one that was written from what
// SQLite itself reports: the file is damaged where SQLite does not look.
func scanned(err error) error {
	var e *sqlite.Error
	if err == nil || errors.As(err, &e) || errors.Is(err, sql.ErrNoRows) || errors.Is(err, sql.ErrConnDone) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return &unreadable{err}
}

// rows calls each for every row of the query.
func (c *conn) rows(ctx context.Context, query string, args []any, each func(scan func(...any) error) error) error {
	s, err := c.stmt(query)
	if err != nil {
		return err
	}
	rows, err := s.QueryContext(ctx, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := each(func(into ...any) error { return scanned(rows.Scan(into...)) }); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (c *conn) close() {
	for _, s := range c.stmts {
		_ = s.Close()
	}
	_ = c.sql.Close()
}

// isDamage says whether SQLite found the file itself broken, which nothing but
// a new one mends.
func isDamage(err error) bool {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return false
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH:
		return true
	case sqlite3.SQLITE_ERROR: // a table that the schema says is there is not
		return strings.Contains(e.Error(), "no such table") || strings.Contains(e.Error(), "no such column")
	case sqlite3.SQLITE_IOERR:
		return e.Code() == sqlite3.SQLITE_IOERR_SHORT_READ
	}
	return false
}

// isTaken says whether a row with that key is there already.
func isTaken(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && e.Code()&0xff == sqlite3.SQLITE_CONSTRAINT
}

// unreadable is a value that is not what was written.
type unreadable struct{ error }

func (u *unreadable) Unwrap() error { return u.error }
