# Short names for the commands in CONTRIBUTING.md; nothing here is needed to
# build or use Concord.
FUZZTIME ?= 30s
SOAK     ?= 20
SEEDS    ?= 20000
MEASURE  ?= 2m

.PHONY: test lint faults fuzz rows bench benchmarks crash soak ci

test: ; go test -race work
lint: ; .ci/lint
faults: ; go run .ci/faults.go
fuzz: ; FUZZTIME=$(FUZZTIME) .ci/fuzz
rows: ; go test -run='^TestRows$$' -v . -args -rows=1m
bench: ; go test -run='^$$' -bench=. -benchmem work
benchmarks: ; go run ./benchmarks -handlers $(MEASURE) -sockets $(MEASURE)
crash: ; go test -race -v -timeout=4h -run='^TestCrash(Refuse|Rerun|Transactional)$$' ./idempotency -args -crash.seeds=$(SEEDS)
soak: ; go test -race -shuffle=on -count=$(SOAK) -timeout=4h work
ci: ; .ci/run
