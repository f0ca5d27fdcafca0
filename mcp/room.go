package mcp

// room is how many bytes the list in an answer may take, so that the whole of
// it stays below 20 KB: models drop or refuse longer ones. Only carts and
// products near all their bounds at once come there.
type room int

const wholeRoom room = 14 << 10

// takes is whether the next item still fits.
func (r *room) takes(bytes int) bool {
	*r -= room(bytes)
	return *r >= 0
}

// bytes is about how long the line is as JSON.
func (l cartLine) bytes() int {
	n := 260 + len(l.SKU) + len(l.ProductID) + len(l.Handle) + len(l.Title) + len(l.Variant)
	for _, w := range l.Warnings {
		n += 40 + len(w.Code) + len(w.Message)
	}
	return n
}

// fit returns as many of the lines as there is room for, and how many are left out.
func fit(lines []cartLine) (told []cartLine, omitted int) { return wholeRoom.fit(lines) }

func (r room) fit(lines []cartLine) (told []cartLine, omitted int) {
	left := r
	for i, l := range lines {
		if !left.takes(l.bytes()) {
			return lines[:i], len(lines) - i
		}
	}
	return lines, 0
}
