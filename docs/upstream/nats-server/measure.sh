#!/usr/bin/env bash
# Applies the patches to a copy of the server, runs what it tests of streams and
# batches, and measures before and after: publishers side by side, and the shop with
# each (BENCHTIME=2s). It changes nothing here.
set -euo pipefail
cd "$(dirname "$0")/../../.."
. docs/upstream/shop.sh
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

compare_shops "$module" "$work/server" "$work" 'HTTP/.*/add_to_cart' "$time"
if [ "$(id -u)" -ne 0 ] || [ ! -c /dev/fuse ]; then
	echo 'SKIPPED: losses of power need Linux, root and /dev/fuse'
	exit
fi
echo '== losses of power'
TILL_REQUIRE_FUSE=1 "$go" test -modfile "$work/after.mod" ./tests -run '^TestPowerLossTakesNothingAcknowledged$' -count 1
