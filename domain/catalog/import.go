package catalog

import (
	"errors"
	"fmt"
	"io"
)

// Row is one product as an import file describes it.
type Row struct {
	// Line is where the product starts in the file, from 1.
	Line    int
	Product Product
	// Stock is how many pieces the file counts of each SKU; nil for a SKU whose
	// pieces the file does not count.
	Stock map[string]*int
}

// Skip is a product that the file itself says is not on offer.
type Skip struct {
	Line   int
	Handle string
	Why    string
}

// Fault is one thing wrong with an import file, in words for the person who
// has to mend it.
type Fault struct {
	// Line is where it stands, from 1; 0 for the file as a whole.
	Line int
	// Field is the field or column, empty when no single one is meant.
	Field   string
	Message string
}

// Error is the fault as a sentence with its line.
func (f Fault) Error() string {
	if f.Line == 0 {
		return f.Message
	}
	return fmt.Sprintf("line %d: %s", f.Line, f.Message)
}

// Bounds of an import. A file that needs more is better cut into several.
const (
	MaxFileBytes = 100 << 20
	// MaxLineBytes bounds a line, and in a CSV file a whole record.
	MaxLineBytes = 1 << 20
	MaxProducts  = 200_000
	// MaxFaults is how many faults are told one by one.
	MaxFaults = 10_000
	// MaxStock is the largest count of pieces that a file may give.
	MaxStock = 1_000_000
)

// errTooLarge ends the reading of a file beyond MaxFileBytes.
var errTooLarge = errors.New("catalog: the file is too large")

// faults collects what is wrong, bounded.
type faults struct {
	told []Fault
	more int
}

func (f *faults) add(line int, field, format string, args ...any) {
	if len(f.told) >= MaxFaults {
		f.more++
		return
	}
	f.told = append(f.told, Fault{line, field, fmt.Sprintf(format, args...)})
}

// all returns the faults, with a last one that counts those left untold.
func (f *faults) all() []Fault {
	if f.more == 0 {
		return f.told
	}
	return append(f.told, Fault{Message: fmt.Sprintf("and %d more; mend these first", f.more)})
}

// unreadable tells why reading stopped before the end of the file.
func (f *faults) unreadable(line int, err error) {
	if errors.Is(err, errTooLarge) {
		f.add(line, "", "the file has more than %d MB; cut it into several", MaxFileBytes>>20)
		return
	}
	f.add(line, "", "the file cannot be read further: %v", err)
}

// bounded is a reader that fails beyond MaxFileBytes instead of ending: a file
// cut off silently would be half a catalogue.
type bounded struct {
	r    io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errTooLarge
	}
	n, err := b.r.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

func limited(r io.Reader) io.Reader { return &bounded{r, MaxFileBytes + 1} }
