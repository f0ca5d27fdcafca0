package jslog_test

import (
	"testing"

	"till/domain/eventlog"
	"till/domain/eventlog/jslog"
	"till/domain/eventlog/logtest"
)

var _ eventlog.Log = (*jslog.Log)(nil)

func TestContract(t *testing.T) {
	logtest.Run(t, func(t *testing.T) eventlog.Log { return newLog(t) })
}

func TestBucketContract(t *testing.T) {
	logtest.RunBucket(t, func(t *testing.T) eventlog.Bucket {
		b, err := newLog(t).Bucket(t.Context(), "passwords", 0)
		if err != nil {
			t.Fatal(err)
		}
		return b
	})
}
