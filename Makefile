# What a developer runs. Everything needs only Go; `make race` needs a C
# compiler too.

GO        ?= go
BENCH     ?= .
BENCHTIME ?= 2s
BENCHPKG  ?= ./...
BENCH_EVENTS ?= 1000000
FUZZTIME  ?= 20s
CRASHES   ?= 200
SOAK      ?= 30
PEERS     ?=
SESSIONS  ?= 10000

.PHONY: help check lint test race bench bench-peers soak soak-sessions crash disk fuzz fmt

help:
	@echo 'make check   format, vet, staticcheck and all tests'
	@echo 'make lint    the same without the tests'
	@echo 'make test    all tests'
	@echo 'make race    all tests under the race detector'
	@echo 'make bench   all benchmarks                     (BENCH=regexp BENCHTIME=2s BENCHPKG=./...)'
	@echo '             over ten million events: BENCH_EVENTS=10000000 BENCH=Restart (5 GB, minutes to write; TILL_BENCH_DIR=… keeps them)'
	@echo 'make bench-peers  Till beside shops on the Python and TypeScript SDKs (PEERS="-rounds 5 -lasting 5s"; needs Python, npm)'
	@echo 'make fuzz    every fuzz target for a while       (FUZZTIME=20s)'
	@echo 'make crash   the tests that kill the shop        (CRASHES=200 times)'
	@echo 'make disk    losses of power and ailing disks    (Linux, root, /dev/fuse)'
	@echo 'make soak    the race tests over and over        (SOAK=30 minutes)'
	@echo 'make soak-sessions  sessions that come and go    (SESSIONS=10000)'
	@echo 'make fmt     write all files as gofmt wants them'

check: lint test

lint:
	GO='$(GO)' .ci/lint

test:
	$(GO) test ./...

race:
	GO='$(GO)' .ci/race

bench:
	TILL_BENCH_EVENTS=$(BENCH_EVENTS) $(GO) test -run '^$$' -bench '$(BENCH)' -benchtime $(BENCHTIME) -benchmem -timeout 60m $(BENCHPKG)

# The packages of the peers come from PyPI and npm, in pinned versions, and stay in
# the user's cache folder.
bench-peers:
	$(GO) run ./tests/peers $(PEERS)

# The shop under writers of every kind, killed so many times; TILL_SEED=… (it is
# printed) repeats the moments. Then the others: killed, crashed and torn in their
# names are the tests that end a process or a step in the middle.
crash:
	TILL_CRASHES=$(CRASHES) $(GO) test -run '^TestKilledUnderEveryWriter$$' -count 1 -v -timeout 60m ./tests
	$(GO) test -run 'Kill|Crash|Torn' -skip '^TestKilledUnderEveryWriter$$' -count 20 -timeout 60m ./...

# On a file system that the tests serve themselves, so without any other beside them.
disk:
	TILL_REQUIRE_FUSE=1 $(GO) test -run 'TestPowerLoss|TestAnAilingDisk' -count 1 -v ./tests

# A test that fails once in a hundred runs is a bug: this finds it.
soak:
	@end=$$(( $$(date +%s) + $(SOAK) * 60 )); round=0; \
	while [ $$(date +%s) -lt $$end ]; do \
		round=$$((round + 1)); echo "== round $$round"; \
		$(GO) test -race -count 1 -shuffle on -timeout 30m ./... || exit 1; \
	done; echo "$$round rounds without a failure"

# Sessions and streams of both eras, left in every way that clients have.
soak-sessions:
	TILL_SOAK_SESSIONS=$(SESSIONS) $(GO) test -run 'TestSessionsComeAndGo|TestWhatASessionCosts' -count 1 -v -timeout 30m ./mcp

fuzz:
	GO='$(GO)' FUZZTIME='$(FUZZTIME)' .ci/fuzz

fmt:
	gofmt -w .
