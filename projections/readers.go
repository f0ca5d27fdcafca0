package projections

import "context"

// most connections for reading that are kept, and that are open at once.
const (
	keptReaders = 8
	mostReaders = 32
)

// serve opens the file for reading; further connections follow as they are
// needed.
func (s *store) serve(ctx context.Context) error {
	db, err := open(s.path, reading...)
	if err != nil {
		return err
	}
	s.files = append(s.files, db)
	s.reading, s.idle, s.places = db, make(chan *conn, keptReaders), make(chan struct{}, mostReaders)
	c, err := dial(ctx, db)
	if err == nil {
		s.idle <- c
	}
	return err
}

// borrow returns a connection for reading, once there is a place for one more.
func (s *store) borrow(ctx context.Context) (*conn, error) {
	select {
	case s.places <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	select {
	case c := <-s.idle:
		return c, nil
	default:
	}
	c, err := dial(ctx, s.reading)
	if err != nil {
		<-s.places
	}
	return c, err
}

func (s *store) giveBack(c *conn) {
	select {
	case s.idle <- c:
	default:
		c.close()
	}
	<-s.places
}
