package cmd

func (a *App) startReactors() (stop func() error, err error) {
	return func() error { return nil }, nil
}
