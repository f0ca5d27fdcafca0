package cmd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"till/domain/catalog"
)

// loadingName marks a folder whose built-in catalogue is being loaded.
const loadingName = "catalogue.loading"

// firstStart loads the shop's own catalogue into an empty log, telling progress
// after each product, and makes the demo users' discount code. A load that was cut off is done again at the next start;
// nothing else ever is, since the shop's products are its owner's from then on,
// also when none is left on offer.
func (a *App) firstStart(ctx context.Context, progress func(done int)) error {
	head, err := a.log.Head(ctx)
	if err != nil {
		return err
	}
	marker := a.folder.File(loadingName)
	_, err = os.Stat(marker)
	switch missing := errors.Is(err, fs.ErrNotExist); {
	case err != nil && !missing:
		return unusable(a.folder.Path(), err)
	case missing && head > 0:
		return nil
	case missing:
		if err := writeFile(marker, nil); err != nil {
			return unusable(a.folder.Path(), err)
		}
	}
	rows, faults := catalog.ReadJSONL(catalog.CatShop())
	if len(faults) > 0 {
		return fmt.Errorf("the built-in catalogue: %w", faults[0])
	}
	im := importer{products: a.products, stocks: a.checkout.Stocks, views: a.views}
	if _, err := im.bring(ctx, rows, progress); err != nil {
		return err
	}
	if a.opt.Demo {
		if err := a.welcome(ctx); err != nil {
			return err
		}
	}
	if err := os.Remove(marker); err != nil {
		return unusable(a.folder.Path(), err)
	}
	if err := syncDir(a.folder.Path()); err != nil {
		return unusable(a.folder.Path(), err)
	}
	return nil
}
