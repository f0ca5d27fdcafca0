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

// Filled: several items were put in at once. It is one event, since several of them
// would be an atomic batch, which takes the log twenty times as long as an event
// (BenchmarkBatch of jslog).
type Filled struct {
	Items []ItemAdded `json:"items"`
}

func (Filled) event() {}

// fill adds what is lacking and passes over what the cart cannot take: the others
// are wanted all the same.
func fill(s State, items []Wanted) []Event {
	var lacking []ItemAdded
	for _, w := range items {
		line, known := s.Find(w.Item.SKU)
		more := min(w.Quantity, w.Available, MaxQuantity) - line.Quantity
		switch {
		case more < 1:
		case !known && len(s.Lines) >= MaxLines:
		case len(s.Lines) > 0 && s.Lines[0].Price.Currency != w.Item.Price.Currency:
		default:
			e := ItemAdded{w.Item, more}
			lacking, s = append(lacking, e), Evolve(s, e)
		}
	}
	switch len(lacking) {
	case 0:
		return nil
	case 1:
		return []Event{lacking[0]}
	}
	return []Event{Filled{lacking}}
}

// refill is the command that puts the same items into the cart in state s.
func refill(s State, added []ItemAdded) Fill {
	var f Fill
	for _, e := range added {
		line, _ := s.Find(e.SKU)
		f.Items = append(f.Items, Wanted{e.Item, line.Quantity + e.Quantity, MaxQuantity})
		s = Evolve(s, e)
	}
	return f
}
