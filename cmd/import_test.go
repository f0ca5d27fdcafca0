package cmd

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
)

// Of imports that claim one SKU for different products at the same time one
// gets it.
func TestImportsAtOnceClaimASKUOnce(t *testing.T) {
	a, err := Open(t.Context(), Options{Dir: t.TempDir(), Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.close() })
	const imports = 8
	results := make([]error, imports)
	var at sync.WaitGroup
	begin := make(chan struct{})
	for i := range imports {
		at.Go(func() {
			<-begin
			file := strings.NewReader(fmt.Sprintf(`{"handle":"rope-%d","title":"Rope","category":"toys","variants":[{"sku":"ROPE","price":"3.50","stock":4}]}`, i))
			_, results[i] = a.bring(t.Context(), file, importOptions{Name: "a.jsonl", Currency: currency}, func(int, int) {})
		})
	}
	close(begin)
	at.Wait()
	claimed := 0
	for i, err := range results {
		var clash faulty
		switch {
		case err == nil:
			claimed++
		case !errors.As(err, &clash):
			t.Errorf("import %d: %v", i, err)
		}
	}
	if claimed != 1 {
		t.Errorf("%d products have the SKU", claimed)
	}
}
