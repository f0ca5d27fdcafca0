package cmd

import (
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
)

// TestProductPages: a shop with the connector's tools shows the pages that they
// cite to anybody; any other has none.
func TestProductPages(t *testing.T) {
	for _, connector := range []bool{true, false} {
		shop, err := Serve(t.Context(), ServeOptions{
			Options: Options{Dir: t.TempDir() + "/shop", Logger: slog.New(slog.DiscardHandler)}, Addr: "127.0.0.1:0", Connector: connector,
		})
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.Get(strings.TrimSuffix(shop.Endpoint, "/mcp") + "/products/catnip-mouse")
		if err != nil {
			t.Fatal(err)
		}
		page, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		if err := res.Body.Close(); err != nil {
			t.Fatal(err)
		}
		if shows := res.StatusCode == http.StatusOK && strings.Contains(string(page), "<h1>Catnip Mouse</h1>"); shows != connector {
			t.Errorf("with connector=%v the page answers %s", connector, res.Status)
		}
		if err := shop.Stop(); err != nil {
			t.Error(err)
		}
	}
}
