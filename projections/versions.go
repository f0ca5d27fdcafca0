package projections

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"till/domain/eventlog"
)

// ErrNoView: there is no view of that name.
var ErrNoView = errors.New("projections: there is no view")

// ground are the tables of a file that belong to no view. meta has one row:
// what the file includes, of which log, in which layout, a mark of the last
// event, and how often it was opened.
var ground = []string{
	`CREATE TABLE meta (one INTEGER PRIMARY KEY CHECK (one = 1), position INTEGER NOT NULL, epoch TEXT NOT NULL,
		layout TEXT NOT NULL, mark TEXT NOT NULL, opened INTEGER NOT NULL)`,
	`CREATE TABLE versions (view TEXT PRIMARY KEY, version INTEGER NOT NULL, shape TEXT NOT NULL) WITHOUT ROWID`,
	`CREATE TABLE quarantine (category TEXT NOT NULL, id TEXT NOT NULL, user TEXT NOT NULL, position INTEGER NOT NULL,
		number INTEGER NOT NULL, reason TEXT NOT NULL, PRIMARY KEY (category, id)) WITHOUT ROWID`,
}

// shape is a hash over statements: tables of another shape cannot be read.
func shape(statements ...string) string {
	h := sha256.New()
	for _, s := range statements {
		io.WriteString(h, s)
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

func shapeOf(v view) string { return shape(slices.Concat(v.schema(), v.later())...) }

// note writes which versions of the views the file holds.
func (s *store) note() error {
	return s.each(func(v view) error {
		a := v.about()
		return s.writer.exec("INSERT OR REPLACE INTO versions VALUES (?, ?, ?)", a.name, a.version, shapeOf(v))
	})
}

// outdated compares the file's versions with the program's: stale names the
// views that an older fold filled and that can still be read; why says, if it
// is not empty, that the file cannot be read at all.
func (s *store) outdated(ctx context.Context) (stale []string, why string, err error) {
	type kept struct {
		version int
		shape   string
	}
	found := map[string]kept{}
	err = s.writer.rows(ctx, "SELECT view, version, shape FROM versions", nil, func(scan func(...any) error) error {
		var name string
		var k kept
		err := scan(&name, &k.version, &k.shape)
		found[name] = k
		return err
	})
	if err != nil {
		return nil, "", err
	}
	_ = s.each(func(v view) error {
		a := v.about()
		switch k, ok := found[a.name]; {
		case !ok || k.shape != shapeOf(v):
			why = "the view " + a.name + " of another version of till has other tables"
		case k.version != a.version:
			stale = append(stale, a.name)
		}
		delete(found, a.name)
		return nil
	})
	for name := range found {
		why = "it holds a view " + name + " of another version of till"
	}
	return stale, why, nil
}

var creates = regexp.MustCompile(`^CREATE (?:VIRTUAL )?TABLE (\w+)`)

// begin empties the views of a copied file that are to be filled anew.
func (s *store) begin(chosen map[string]bool) error {
	return s.each(func(v view) error {
		if !chosen[v.about().name] {
			return nil
		}
		statements := v.schema()
		for _, create := range slices.Backward(statements) {
			if m := creates.FindStringSubmatch(create); m != nil {
				if err := s.writer.exec("DROP TABLE " + m[1]); err != nil {
					return fmt.Errorf("projections: %w", err)
				}
			}
		}
		for category, its := range s.byCategory {
			if its == v {
				if err := s.writer.exec("DELETE FROM quarantine WHERE category = ?", category); err != nil {
					return err
				}
			}
		}
		return s.run(statements)
	})
}

func (s *store) run(statements []string) error {
	for _, statement := range statements {
		if err := s.writer.exec(statement); err != nil {
			first, _, _ := strings.Cut(statement, "(")
			return fmt.Errorf("projections: %s: %w", first, err)
		}
	}
	return nil
}

// at reads what the file says it includes.
func (s *store) at() (position eventlog.Position, err error) {
	_, err = s.writer.row("SELECT position FROM meta", nil, &position)
	return position, err
}
