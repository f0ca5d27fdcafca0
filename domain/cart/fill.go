package cart

// Fill puts several items in at once, each as far as it goes. It is one decision
// and one append, so that a call that is cut off leaves all of it or nothing; and
// it fills up instead of adding, so that doing it twice is doing it once.
type Fill struct{ Items []Wanted }

// Wanted is an item of which the cart shall hold Quantity pieces or more, if so
// many are Available.
type Wanted struct {
	Item      Item
	Quantity  int
	Available int
}

func (Fill) command() {}

// fill adds what is lacking and passes over what the cart cannot take: the others
// are wanted all the same.
func fill(s State, items []Wanted) []Event {
	var events []Event
	for _, w := range items {
		line, known := s.Find(w.Item.SKU)
		more := min(w.Quantity, w.Available, MaxQuantity) - line.Quantity
		switch {
		case more < 1:
		case !known && len(s.Lines) >= MaxLines:
		case len(s.Lines) > 0 && s.Lines[0].Price.Currency != w.Item.Price.Currency:
		default:
			e := ItemAdded{w.Item, more}
			events, s = append(events, e), Evolve(s, e)
		}
	}
	return events
}
