package catalog_test

import (
	"testing"

	"till/domain/catalog"
	"till/domain/eventlog"
	"till/domain/eventlog/golden"
	"till/domain/money"
)

func TestEventsStayAsTheyWereStored(t *testing.T) {
	types := eventlog.NewTypes()
	catalog.Register(types)
	golden.Check(t, types,
		catalog.ProductAdded{Product: mouse()},
		catalog.ProductChanged{Product: mended(func(p *catalog.Product) { p.Variants[1].Price = money.Of(599, "USD") })},
		catalog.ProductWithdrawn{},
	)
}
