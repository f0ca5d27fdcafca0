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
