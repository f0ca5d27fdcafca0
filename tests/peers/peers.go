package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	_ "modernc.org/sqlite" // both peers' databases are filled from here
)

//go:embed schema.sql
var schema string

// peer is one way in which a peer may be run.
type peer struct {
	name string
	// era is how its clients speak to it.
	era string
	// args are the program's, for a database and a port.
	program string
	args    func(database string, port int) []string
}

// startPeer starts a peer on a database of its own.
func startPeer(ctx context.Context, p peer, dir string, people int) (*server, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	s := &server{name: p.name, dialect: theirs, era: p.era, addr: fmt.Sprintf("127.0.0.1:%d", port)}
	database := filepath.Join(dir, "peer.db")
	if s.tokens, err = seed(ctx, database, people); err != nil {
		return nil, err
	}
	return s, s.start(ctx, p.program, p.args(database, port)...)
}

// seed makes a peer's database: products, people, and a token for each.
func seed(ctx context.Context, path string, people int) (tokens []string, err error) {
	db, err := sql.Open("sqlite", path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if _, err := db.ExecContext(ctx, schema); err != nil {
		return nil, err
	}
	expires := time.Now().Add(24 * time.Hour).Unix()
	for i := range people {
		secret := make([]byte, 32)
		_, _ = rand.Read(secret) // never fails
		tokens = append(tokens, hex.EncodeToString(secret))
		if _, err := db.ExecContext(ctx, "INSERT INTO access_tokens VALUES (?, 'client-1', ?, 'read write', ?)", tokens[i], i+1, expires); err != nil {
			return nil, err
		}
	}
	return tokens, nil
}

// all are the ways in which the peers may be run.
func (p programs) all() []peer {
	python := func(name, era string, flags ...string) peer {
		return peer{"Python, " + name, era, p.python, func(database string, port int) []string {
			return append([]string{filepath.Join(p.scripts, "python", "server.py"), database, fmt.Sprint(port)}, flags...)
		}}
	}
	typescript := func(name, era, mode string) peer {
		return peer{"TypeScript, " + name, era, p.node, func(database string, port int) []string {
			return []string{filepath.Join(p.scripts, "typescript", "server.mjs"), database, fmt.Sprint(port), mode}
		}}
	}
	return []peer{
		python("2026-07-28", modern), python("sessions", legacy, "--sessions"),
		typescript("SDK 1, sessions", legacy, "sdk1"), typescript("SDK 2, 2026-07-28", modern, "sdk2"), typescript("SDK 2, sessions", legacy, "sdk2-sessions"),
	}
}

// fastest are the ways that took the least of the processors for a call when all were
// tried (-variants): Python without sessions, TypeScript with.
func (p programs) fastest() []peer {
	all := p.all()
	return []peer{all[0], all[4]}
}
