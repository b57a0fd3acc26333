# Short names for the commands in CONTRIBUTING.md; nothing here is needed to
# build or use Concord.
FUZZTIME ?= 30s
SOAK     ?= 20

.PHONY: test lint fuzz bench soak ci

test: ; go test -race work
lint: ; .ci/lint
fuzz: ; FUZZTIME=$(FUZZTIME) .ci/fuzz
bench: ; go test -run='^$$' -bench=. -benchmem work
soak: ; go test -race -shuffle=on -count=$(SOAK) -timeout=4h work
ci: ; .ci/run
