#!/usr/bin/env bash
# Applies the patches to a copy of the SDK, runs its tests, and measures before and
# after: the decoder by itself, and the shop with each (BENCHTIME=2s). It changes
# nothing here.
set -euo pipefail
cd "$(dirname "$0")/../../.."
. docs/upstream/shop.sh
go=${GO:-go} time=${BENCHTIME:-2s}
module=github.com/modelcontextprotocol/go-sdk
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cp -r "$("$go" list -m -f '{{.Dir}}' $module)" "$work/sdk"
chmod -R u+w "$work/sdk"
decoder() { (cd "$work/sdk" && "$go" test ./internal/json -run '^$' -bench Unmarshal -benchtime "$time"); }

patch -s -p1 -d "$work/sdk" <docs/upstream/go-sdk/1-benchmark.patch
echo '== the decoder before'
(cd "$work/sdk" && "$go" test ./internal/json)
decoder
patch -s -p1 -d "$work/sdk" <docs/upstream/go-sdk/2-decode-in-place.patch
echo '== the decoder after'
decoder
echo "== the SDK's own tests after"
(cd "$work/sdk" && "$go" test ./mcp ./internal/... ./jsonrpc/... ./auth/... ./oauthex/...)

compare_shops "$module" "$work/sdk" "$work" 'HTTP|Flow' "$time"
