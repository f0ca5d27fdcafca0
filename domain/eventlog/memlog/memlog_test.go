package memlog_test

import (
	"crypto/rand"
	"testing"

	"till/domain/eventlog"
	"till/domain/eventlog/logtest"
	"till/domain/eventlog/memlog"
)

func TestContract(t *testing.T) {
	logtest.Run(t, func(*testing.T) eventlog.Log { return memlog.New(rand.Text()) })
}

func TestBucketContract(t *testing.T) {
	logtest.RunBucket(t, func(*testing.T) eventlog.Bucket { return &memlog.Bucket{} })
}
