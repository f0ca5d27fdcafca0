package tests

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"till/cmd"
	"till/domain/eventlog"
	"till/domain/eventlog/archive"
	"till/domain/stock"
)

// till runs the program and returns what it says and its exit code.
func till(args ...string) (said string, code int) {
	var out bytes.Buffer
	code = cmd.Main(args, strings.NewReader(""), &out, &out)
	return out.String(), code
}

// What a person and their agent had they have after a restore: the token, the
// cart, the orders, and the same answer to the same checkout.
func TestARestoredShopGoesOn(t *testing.T) {
	dir, file := t.TempDir(), filepath.Join(t.TempDir(), "shop.till")
	shop := serve(t, dir)
	token := login(t, shop.Endpoint, "alice", shop.Users["alice"], scopes)
	alice := connect(t, shop.Endpoint, token)
	alice.call("add_to_cart", args{"product": "catnip-mouse", "quantity": 2})
	quote := alice.call("review_checkout", nil).text("quote_id")
	order := alice.call("checkout", args{"quote_id": quote}).text("order_id")
	alice.call("add_to_cart", args{"product": "whisker-wand"})
	cart, orders := alice.call("view_cart", nil).Text, alice.call("get_order_history", nil).Text
	stock := alice.call("get_product", args{"product": "catnip-mouse"}).Text
	if said, code := till("backup", file, "--data", dir, "--with-secret"); code != 0 {
		t.Fatal(said)
	}
	alice.call("clear_cart", nil)
	_ = alice.Close()
	if err := shop.Stop(); err != nil {
		t.Fatal(err)
	}
	back := filepath.Join(t.TempDir(), "back")
	if said, code := till("restore", file, "--data", back); code != 0 {
		t.Fatal(said)
	}
	if info, err := os.Stat(back); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o700 {
		t.Errorf("the folder's mode is %v: %v", info.Mode(), err)
	}
	shop = serveAt(t, back, address(t, shop.Endpoint))
	alice = connect(t, shop.Endpoint, token)
	for tool, want := range map[string]string{"view_cart": cart, "get_order_history": orders} {
		if got := alice.call(tool, nil).Text; got != want {
			t.Errorf("%s now says\n%s\nnot\n%s", tool, got, want)
		}
	}
	if again := alice.call("checkout", args{"quote_id": quote}).text("order_id"); again != order {
		t.Errorf("the same checkout again is order %s, not %s", again, order)
	}
	if got := alice.call("get_product", args{"product": "catnip-mouse"}).Text; got != stock {
		t.Errorf("the stock changed: %s, not %s", got, stock)
	}
	login(t, shop.Endpoint, "alice", shop.Users["alice"], scopes)
	alice.call("checkout", nil)
}

// past writes an export of count events.
func past(t *testing.T, path string, count int) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w, err := archive.NewWriter(f, archive.Head{Kind: archive.Log, Epoch: "e1", Events: eventlog.Position(count)}, nil)
	types := cmd.Types()
	for i := range count {
		if err != nil {
			t.Fatal(err)
		}
		e := eventlog.Envelope{
			Position: eventlog.Position(i + 1), Stream: eventlog.Stream{Category: stock.Category, ID: fmt.Sprint(i % 1000)}, Number: uint64(i/1000 + 1),
			Meta: eventlog.Meta{Command: fmt.Sprint("c", i), Time: time.Date(2026, 1, 1, 0, 0, i, 0, time.UTC)},
		}
		if e.Type, e.Version, e.Data, err = types.Encode(stock.Counted{OnHand: i}); err == nil {
			err = w.Event(e)
		}
	}
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
}

// Killed anywhere, an import leaves no shop or a whole one, and the next goes
// through.
func TestKilledWhileItImports(t *testing.T) {
	file, dir := filepath.Join(t.TempDir(), "e.jsonl"), filepath.Join(t.TempDir(), "shop")
	past(t, file, manyEvents)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cut := 0
	for round := range 6 {
		p := exec.Command(self, "import", file, "--data", dir)
		p.Env = append(os.Environ(), programEnv+"=1")
		if err := p.Start(); err != nil {
			t.Fatal(err)
		}
		for begun := time.Now(); time.Since(begun) < time.Minute; time.Sleep(time.Millisecond) {
			if _, err := os.Stat(filepath.Join(dir, "unfinished")); err == nil {
				break
			}
		}
		time.Sleep(time.Duration(round*round*20) * time.Millisecond)
		_ = p.Process.Kill()
		_ = p.Wait()
		said, code := till("events", "--data", dir, "--after", strconv.Itoa(manyEvents-1))
		if strings.Contains(said, "is no whole shop") && code == 1 {
			cut++
			continue
		}
		if code != 0 || !strings.Contains(said, "stock.counted") {
			t.Errorf("round %d: killed, it leaves what says (exit %d) %s", round, code, said)
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
	}
	if cut == 0 {
		t.Error("no kill came in time: the test proves nothing")
	}
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		return // the last one had come to its end
	}
	if said, code := till("import", file, "--data", dir); code != 0 {
		t.Fatalf("after %d kills: %s", cut, said)
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if said, _ := till("export", "--data", dir); said != string(want) {
		t.Error("what came in is not what was in the file")
	}
}
