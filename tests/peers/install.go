package main

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

//go:embed python typescript
var sources embed.FS

// nodePackage holds Node itself, for machines whose own is older than better-sqlite3
// takes; scripts of packages stay off.
const nodePackage = "22.23.5"

// programs are what runs the peers.
type programs struct {
	python, node string
	// scripts is the folder with the peers' sources, packages installed beside them.
	scripts string
}

// errNotInstalled: the peers' packages are not in the cache.
var errNotInstalled = errors.New("the peers' packages are not installed; make bench-peers does it")

// install makes a folder in the cache with the peers and the packages that they
// name, unless it is there: each set of pinned versions has one. Without download it
// returns errNotInstalled instead.
func install(ctx context.Context, cache string, download bool) (programs, error) {
	sum := sha256.New()
	for _, file := range []string{"python/requirements.txt", "typescript/package.json"} {
		text, err := sources.ReadFile(file)
		if err != nil {
			return programs{}, err
		}
		sum.Write(text)
	}
	sum.Write([]byte(nodePackage))
	dir := filepath.Join(cache, hex.EncodeToString(sum.Sum(nil))[:12])
	p := programs{python: filepath.Join(dir, "venv", "bin", "python"), scripts: dir}
	if err := copySources(dir); err != nil {
		return p, err
	}
	done := filepath.Join(dir, "installed")
	if node, err := os.ReadFile(done); err == nil {
		p.node = string(node)
		return p, nil
	}
	if !download {
		return p, errNotInstalled
	}
	err := errors.Join(
		run(ctx, dir, pythonProgram(), "-m", "venv", "venv"),
		run(ctx, dir, p.python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", "python/requirements.txt"),
		run(ctx, filepath.Join(dir, "typescript"), "npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"),
	)
	if err != nil {
		return p, err
	}
	if p.node, err = nodeProgram(ctx, dir); err != nil {
		return p, err
	}
	return p, os.WriteFile(done, []byte(p.node), 0o600)
}

// copySources writes the sources anew, so that the cache never runs old ones.
func copySources(dir string) error {
	return fs.WalkDir(sources, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		to := filepath.Join(dir, filepath.FromSlash(path))
		if d.IsDir() {
			return os.MkdirAll(to, 0o700)
		}
		text, err := sources.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(to, text, 0o600)
	})
}

// pythonProgram is the newest Python that is found; TILL_PEERS_PYTHON names another.
func pythonProgram() string {
	if named := os.Getenv("TILL_PEERS_PYTHON"); named != "" {
		return named
	}
	for _, name := range []string{"python3.14", "python3.13", "python3.12"} {
		// A shim may stand for a version that is not there.
		if exec.Command(name, "--version").Run() == nil {
			return name
		}
	}
	return "python3"
}

// nodeProgram is the machine's Node if it is new enough, else one from npm.
func nodeProgram(ctx context.Context, dir string) (string, error) {
	if out, err := exec.CommandContext(ctx, "node", "--version").Output(); err == nil {
		major, _, _ := strings.Cut(strings.TrimPrefix(string(out), "v"), ".")
		if n, err := strconv.Atoi(major); err == nil && n >= 22 {
			return exec.LookPath("node")
		}
	}
	arch := map[string]string{"amd64": "x64", "arm64": "arm64"}[runtime.GOARCH]
	name := "node-" + runtime.GOOS + "-" + arch
	err := run(ctx, dir, "npm", "install", "--prefix", "node", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", name+"@"+nodePackage)
	return filepath.Join(dir, "node", "node_modules", name, "bin", "node"), err
}

func run(ctx context.Context, dir, program string, args ...string) error {
	c := exec.CommandContext(ctx, program, args...)
	c.Dir = dir
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w: %s", program, strings.Join(args, " "), err, out)
	}
	return nil
}
