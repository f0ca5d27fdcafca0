package jslog

import (
	"context"
	"iter"

	"till/domain/eventlog"
)

// ReadBlocks reads the closed blocks of a folder, as Follow does.
func ReadBlocks(dir string, after, to uint64) iter.Seq[[]eventlog.Envelope] {
	return blocks{dir}.read(context.Background(), after, to, 500)
}
