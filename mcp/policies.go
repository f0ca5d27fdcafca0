package mcp

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"unicode/utf8"
)

// Bounds on a merchant's texts: each is read by a model in one piece.
const (
	maxPolicy   = 16 << 10
	maxPolicies = 20
	maxName     = 40
)

//go:embed policies/*.md
var policyFiles embed.FS

// Policy is a text of the merchant about how the shop works, in Markdown.
type Policy struct {
	// Name is 1 to 40 of a-z and hyphens.
	Name string
	// Title is its first heading, or else its name.
	Title string
	Text  string
}

// Policies returns the shop's texts by name: the built-in ones, which say only what
// is true of every such shop, and in their place or beside them the files NAME.md
// of a folder. A folder that is not there has none. The error names the file that
// cannot be taken and why.
func Policies(dir string) ([]Policy, error) {
	built, err := policiesIn(policyFiles, "policies")
	if err != nil {
		return nil, err
	}
	own, err := policiesIn(os.DirFS(dir), ".")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("the policies in %s: %w", dir, err)
	}
	all := slices.DeleteFunc(built, func(p Policy) bool {
		return slices.ContainsFunc(own, func(o Policy) bool { return o.Name == p.Name })
	})
	all = append(all, own...)
	slices.SortFunc(all, func(a, b Policy) int { return strings.Compare(a.Name, b.Name) })
	if len(all) > maxPolicies {
		return nil, fmt.Errorf("the policies in %s: %d texts with the built-in ones are more than the %d that a shop may have", dir, len(all), maxPolicies)
	}
	return all, nil
}

func policiesIn(files fs.FS, dir string) (all []Policy, err error) {
	entries, err := fs.ReadDir(files, dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		name, isText := strings.CutSuffix(e.Name(), ".md")
		if !isText || e.IsDir() || strings.HasPrefix(name, ".") {
			continue
		}
		p, err := policyOf(files, path.Join(dir, e.Name()), name)
		if err != nil {
			return nil, fmt.Errorf("%s %w", e.Name(), err)
		}
		all = append(all, p)
	}
	return all, nil
}

// policyOf reads one text. Its errors go on from the name of its file.
func policyOf(files fs.FS, file, name string) (p Policy, err error) {
	if name == "" || len(name) > maxName || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz-") != "" {
		return p, fmt.Errorf("must be named with a-z and hyphens, at most %d of them, such as gift-cards.md", maxName)
	}
	info, err := fs.Stat(files, file)
	if err != nil {
		return p, fmt.Errorf("cannot be read: %w", err)
	}
	if info.Size() > maxPolicy {
		return p, fmt.Errorf("is larger than %d KiB; a model reads it in one piece, so shorten it or make two of it", maxPolicy>>10)
	}
	data, err := fs.ReadFile(files, file)
	if err != nil {
		return p, fmt.Errorf("cannot be read: %w", err)
	}
	text := strings.TrimSpace(string(data))
	switch {
	case !utf8.Valid(data):
		return p, errors.New("is not UTF-8")
	case text == "":
		return p, errors.New("is empty; write the policy or take the file away")
	}
	p = Policy{Name: name, Title: name, Text: text + "\n"}
	if first, _, _ := strings.Cut(text, "\n"); strings.HasPrefix(first, "# ") {
		p.Title = clip(strings.TrimSpace(first[2:]), 80)
	}
	return p, nil
}
