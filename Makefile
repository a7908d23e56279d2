# emrflink: everything is a Go program; this file only names them.
# CGO is off for the binaries: Go is all that a fresh machine needs.

GO        ?= go
BIN       ?= bin
VERSION   ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LINT      := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.12.0
# The race detector needs a C compiler; without one the tests run without it and say so.
RACE      := $(shell command -v gcc >/dev/null 2>&1 && echo -race)
# vet runs through golangci-lint; here it would analyse the AWS SDKs and Kubernetes once more.
TESTFLAGS ?= -shuffle=on -count=1 -vet=off -ldflags=-s -timeout=20m
ATONCE     = $(shell expr $$(getconf _NPROCESSORS_ONLN) + 2)
# The end-to-end tests take longest: they come first.
PKG       ?= ./internal/e2e ./...
GOBIN     := $(shell $(GO) env GOPATH)/bin
# One set of flags for the binaries, the linter and the pure tests: with others, the AWS SDKs and Kubernetes compile again.
PURE      := CGO_ENABLED=0

.DEFAULT_GOAL := help

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build bin/emrflink and bin/localkube (minutes the first time)
	@$(GO) run ./internal/tools/build -o $(BIN) -version $(VERSION)

.PHONY: demo
demo: build ## Deploy, run a Flink job, clean up, on the local target: no AWS account
	@$(GO) run ./internal/tools/demo -bin $(BIN)

.PHONY: test
test: build ## Run all tests, with the race detector where there is a C compiler
	@test -n "$(RACE)" || echo "no gcc: running without the race detector"
	@$(MAKE) --no-print-directory --jobs=2 test-emrflink test-localkube

# The end-to-end tests wait for half of their time: two more at once than there are processors fill it. Debug information
# is a quarter of the time of linking 70 programs; the race detector would sleep for a second at the end of each.
.PHONY: test-emrflink
test-emrflink:
	EMRFLINK_BIN=$(CURDIR)/$(BIN) GORACE="atexit_sleep_ms=10 $(GORACE)" \
		$(GO) test $(RACE) -trimpath -gcflags=all=-dwarf=false $(TESTFLAGS) -p $(ATONCE) -parallel $(ATONCE) $(PKG)

.PHONY: test-localkube
test-localkube:
	cd localkube && $(PURE) EMRFLINK_BIN=$(CURDIR)/$(BIN) $(GO) test -trimpath $(TESTFLAGS) ./...

.PHONY: lint
lint: ## Check formatting and run golangci-lint
	@out=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$out" || { echo "not formatted; run: gofmt -w" $$out; exit 1; }
	$(GO) install $(LINT)
	$(PURE) GOFLAGS=-trimpath $(GOBIN)/golangci-lint run ./...
	cd localkube && $(PURE) GOFLAGS=-trimpath $(GOBIN)/golangci-lint run --config ../.golangci.yml ./...

.PHONY: generate
generate: docs golden ## Make every generated file again

.PHONY: golden
golden: build ## Write the golden files of the tests again
	$(PURE) EMRFLINK_BIN=$(CURDIR)/$(BIN) $(GO) test -trimpath -vet=off $$(git grep -lE 'flag.Bool\("update"|internal/cli/cmdtest"' -- '*_test.go' | xargs -n1 dirname | sort -u | sed 's|^|./|') -update

.PHONY: docs
docs: build ## Write docs/reference again from the commands, the configuration, the handler tables and the source of the components
	$(BIN)/emrflink docs --dir docs/reference
	$(PURE) $(GO) run -trimpath ./internal/tools/reference -out docs/reference/components

.PHONY: screens
screens: build images ## Make the screens of docs/guide.md again, by running the commands (about a minute)
	@$(GO) run ./internal/tools/screens -bin $(BIN) docs/guide.md

.PHONY: images
images: build ## Make docs/images again; needs a Chromium on the PATH or in EMRFLINK_BROWSER
	@$(GO) run ./internal/tools/images -bin $(BIN) -out docs/images

.PHONY: browser
browser: ## Test the page of preview in a Chromium; without one this fails, where make test skips it
	EMRFLINK_BROWSER=$${EMRFLINK_BROWSER:-chromium} $(PURE) $(GO) test -trimpath $(TESTFLAGS) -run Browser ./internal/preview

.PHONY: bench
bench: build ## Measure, in one run, what README promises (docs/bench.md and docs/bench.json)
	$(GO) run ./internal/tools/bench -bin $(BIN) -out docs

.PHONY: traps
traps: build ## Run the tests that docs/traps.md names and print trap, test and result
	@$(GO) run -trimpath ./internal/tools/traps -bin $(BIN)

.PHONY: referee
referee: build ## Let the real AWS provider judge our AWS resources and the replacement table (needs terraform)
	$(PURE) GOFLAGS=-trimpath $(GO) run ./internal/tools/referee -bin $(BIN)
	$(PURE) GOFLAGS=-trimpath $(GO) run ./internal/tools/replacement

.PHONY: replacement
replacement: ## Derive internal/replacement/aws.tsv again, by asking the AWS provider of Terraform (minutes)
	$(PURE) GOFLAGS=-trimpath $(GO) run ./internal/tools/replacement -write

.PHONY: check
check: tidy test lint drift ## What CI runs

.PHONY: tidy
tidy:
	$(GO) mod tidy -diff
	cd localkube && $(GO) mod tidy -diff

.PHONY: drift
drift: docs
	@git diff --exit-code -- docs/reference || { echo "docs/reference is stale; run: make docs"; exit 1; }
