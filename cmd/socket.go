package cmd

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	"till/domain/catalog"
)

// socketPath is where a running shop takes commands. The system allows only
// about 100 bytes for it; a folder with a longer name has it in a folder of this
// user's in the temporary folder, under a hash of its own. With
// create that one is made. It is an error if anybody else could put a socket
// there, who would then receive what is meant for the shop.
func socketPath(dir string, create bool) (string, error) {
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	path := filepath.Join(dir, "till.sock")
	if len(path) < 100 {
		return path, nil
	}
	ours := filepath.Join(os.TempDir(), "till-"+strconv.Itoa(os.Getuid()))
	if create {
		if err := os.Mkdir(ours, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return "", fmt.Errorf("the folder %s for the command socket cannot be made: %w; choose a data folder with a shorter path", ours, err)
		}
	}
	if err := onlyMine(ours); err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(dir))
	return filepath.Join(ours, hex.EncodeToString(sum[:8])+".sock"), nil
}

// ErrSocketFolder: others may write where the command socket is to be.
var ErrSocketFolder = errors.New("is not for this user alone")

// onlyMine refuses a folder that is not this user's, or open to others.
func onlyMine(dir string) error {
	info, err := os.Lstat(dir) // a link may lead anywhere
	if err != nil {
		return err
	}
	if !info.IsDir() || !isMine(info) || runtime.GOOS != "windows" && info.Mode().Perm() != 0o700 {
		return fmt.Errorf("the folder %s for the command socket %w; remove it, or choose a data folder with a shorter path", dir, ErrSocketFolder)
	}
	return nil
}

// answer is one line of what the socket answers: an item or progress, and at the
// end perhaps a summary or an error. The fields exclude each other.
type answer struct {
	Item    json.RawMessage `json:"item,omitempty"`
	Done    int             `json:"done,omitempty"`
	Total   int             `json:"total,omitempty"`
	Summary *summary        `json:"summary,omitempty"`
	Faults  []catalog.Fault `json:"faults,omitempty"`
	Error   string          `json:"error,omitempty"`
	End     bool            `json:"end,omitempty"`
}

// listen serves commands on the folder's socket until stop is called. Only the
// folder's owner can connect.
func (a *App) listen(dir string) (stop func(), err error) {
	path, err := socketPath(dir, true)
	if err != nil {
		return nil, err
	}
	_ = os.Remove(path) // left by a killed process: the folder's lock is ours
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("the command socket %s cannot be made: %w", path, err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	mux := http.NewServeMux()
	for _, q := range questions() {
		mux.HandleFunc("POST /"+q.named(), func(w http.ResponseWriter, r *http.Request) { a.serveQuestion(w, r, q) })
	}
	mux.HandleFunc("POST /catalog", a.serveImport)
	// Import files and followed events take their time: only headers are timed.
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = server.Serve(l) }() // ends with ErrServerClosed
	return func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if server.Shutdown(ctx) != nil {
			_ = server.Close() // a follower does not end by itself
		}
	}, nil
}

// lines writes answers as JSON Lines, each at once.
type lines struct {
	w *json.Encoder
	f *http.ResponseController
}

func newLines(w http.ResponseWriter) lines {
	w.Header().Set("Content-Type", "application/jsonl")
	return lines{json.NewEncoder(w), http.NewResponseController(w)}
}

func (l lines) say(a answer) error {
	if err := l.w.Encode(a); err != nil {
		return err
	}
	return l.f.Flush()
}

// end says how it ended.
func (l lines) end(a answer, err error) {
	a.End = true
	var bad faulty
	if errors.As(err, &bad) {
		a.Faults = bad
	} else if err != nil {
		a.Error = sentence(err)
	}
	_ = l.say(a) // nobody is left to tell
}

// maxQuestion bounds what a question may hold, in bytes.
const maxQuestion = 4 << 20

func (a *App) serveQuestion(w http.ResponseWriter, r *http.Request, q answerer) {
	out := newLines(w)
	question, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxQuestion))
	if err == nil {
		err = q.answer(r.Context(), a, question, out.say)
	}
	out.end(answer{}, err)
}

func (a *App) serveImport(w http.ResponseWriter, r *http.Request) {
	out := newLines(w)
	q := r.URL.Query()
	o := importOptions{Name: q.Get("name"), Currency: q.Get("currency"), Recount: q.Get("recount") == "true"}
	s, err := a.bring(r.Context(), r.Body, o, func(done, total int) { _ = out.say(answer{Done: done, Total: total}) })
	out.end(answer{Summary: &s}, err)
}
