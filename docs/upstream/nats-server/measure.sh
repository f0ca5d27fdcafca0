#!/usr/bin/env bash
# Applies the patches to a copy of the server, runs what it tests of streams and
# batches, and measures before and after: publishers side by side, and the shop with
# each (BENCHTIME=2s). It changes nothing here.
set -euo pipefail
cd "$(dirname "$0")/../../.."
go=${GO:-go} time=${BENCHTIME:-2s}
module=github.com/nats-io/nats-server/v2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cp -r "$("$go" list -m -f '{{.Dir}}' $module)" "$work/server"
chmod -R u+w "$work/server"
publishers() { (cd "$work/server" && "$go" test ./server -run '^TestJetStreamSyncAlways' -bench '^BenchmarkJetStreamSyncAlways$' -benchtime 4000x); }

patch -s -p1 -d "$work/server" <docs/upstream/nats-server/1-benchmark.patch
echo '== publishers before'
publishers
patch -s -p1 -d "$work/server" <docs/upstream/nats-server/2-group-sync.patch
echo '== publishers after'
publishers
echo "== the server's own tests after"
skip='^$'
# Two of them are about folders that the superuser may write all the same.
[ "$(id -u)" -ne 0 ] || skip='IfFSModeReadOnly$'
(cd "$work/server" && "$go" test ./server -timeout 30m -skip "$skip" -run '^TestFileStore|^TestJetStreamAtomicBatch|^TestJetStreamFastBatch|^TestJetStreamBasic|^TestJetStreamDirect|^TestJetStreamSync')

cp go.mod "$work/after.mod"
cp go.sum "$work/after.sum"
"$go" mod edit -replace "$module=$work/server" "$work/after.mod"
"$go" test -c -o "$work/before.test" ./cmd
"$go" test -c -o "$work/after.test" -modfile "$work/after.mod" ./cmd
for round in 1 2 3; do
	for side in before after; do
		echo "== the shop $side, round $round"
		(cd "$work" && "./$side.test" -test.run '^$' -test.bench 'HTTP/.*/add_to_cart' -test.benchtime "$time" | grep ^Benchmark)
	done
done
echo '== losses of power, where this machine can'
"$go" test -modfile "$work/after.mod" ./tests -run '^TestPowerLossTakesNothingAcknowledged$' -count 1
