package cmd

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"

	_ "modernc.org/sqlite"
)

// A wrong row is shown as a difference with exit 1, and put right by a rebuild.
func TestVerifyExitsWithOne(t *testing.T) {
	dir := t.TempDir()
	shop, err := Serve(t.Context(), ServeOptions{Options: Options{Dir: dir}, Addr: "127.0.0.1:0", Demo: true})
	if err != nil {
		t.Fatal(err)
	}
	defer shop.Stop()
	till := func(args ...string) (code int, out, errs string) {
		var o, e strings.Builder
		code = Main(append(args, "--data", dir), strings.NewReader(""), &o, &e)
		return code, o.String(), e.String()
	}
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "views.db")+"?_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("UPDATE stock SET available = 7 WHERE id = 'MOUSE-CATNIP'"); err != nil {
		t.Fatal(err)
	}
	_ = db.Close()
	code, out, errs := till("rebuild", "--verify")
	if code != 1 || !strings.Contains(out, "~ stock MOUSE-CATNIP\n    available: 7 → ") ||
		!strings.HasPrefix(errs, "till: 1 row differs from a rebuild at position ") || !strings.Contains(errs, "till rebuild puts them right") {
		t.Errorf("%d\n%s%s", code, out, errs)
	}
	if code, out, errs := till("rebuild", "--verify", "--json"); code != 1 || !strings.HasPrefix(out, `{"view":"stock","table":"stock","key":"MOUSE-CATNIP","before":{`) {
		t.Errorf("%d\n%s%s", code, out, errs)
	}
	if code, out, errs := till("rebuild", "stock"); code != 0 {
		t.Errorf("%d\n%s%s", code, out, errs)
	}
	if code, out, errs := till("rebuild", "--verify"); code != 0 || !strings.Contains(out, "what the log says") {
		t.Errorf("%d\n%s%s", code, out, errs)
	}
}
