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

// GetFromBlocks finds one event in the closed blocks of a folder, as Get does.
func GetFromBlocks(dir string, at uint64) (eventlog.Envelope, bool) {
	b := blocks{dir}
	return b.get(b.all(), at)
}
