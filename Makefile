# emrflink: everything is a Go program; this file only names them. Go is all that a fresh machine needs.

GO        ?= go
BIN       ?= bin
VERSION   ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LINT      := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.12.0
GORELEASER := github.com/goreleaser/goreleaser/v2@v2.13.0
SYFT      := github.com/anchore/syft/cmd/syft@v1.38.0
MUTATE    := github.com/go-gremlins/gremlins/cmd/gremlins@v0.5.0
GOBIN     := $(shell $(GO) env GOPATH)/bin
# No flag here changes how a package is compiled: what make has compiled, a plain go command and an editor find, and the
# other way round. vet runs through golangci-lint; here it would analyse the AWS SDKs and Kubernetes once more.
TESTFLAGS ?= -vet=off -ldflags=-s -timeout=20m $(TAGS)
# The tests of a preview's page need a Chromium: they are a part of the tests where there is one.
CHROMIUMS  = chromium chromium-browser google-chrome google-chrome-stable chrome
TAGS       = $(if $(strip $(EMRFLINK_BROWSER) $(foreach name,$(CHROMIUMS),$(shell command -v $(name)))),-tags=browser)
# Compilers may use the memory that there is; without it, a third of a build is garbage collection.
GC        := $(GO) run ./internal/tools/gc
UNTUNED   := $(if $(GOGC)$(GOMEMLIMIT),,-exec "env -u GOGC -u GOMEMLIMIT")
# The end-to-end tests wait for half of their time: two more at once than there are processors fill it.
ATONCE     = $(shell expr $$(getconf _NPROCESSORS_ONLN) + 2)
# The race detector is for packages in which goroutines share data: everything they import is compiled a second time for
# it, so what sees Pulumi's SDKs of AWS and Kubernetes stays out. It needs a C compiler.
RACED     := awsapi cleanup dashboards engine engine/save flinkjob iostreams kube localcloud/account localcloud/awswire \
	localcloud/flinkoperator localcloud/kubelet localcloud/provider/plug preflight
RACE      := $(if $(filter 1,$(shell $(GO) env CGO_ENABLED)),$(addprefix emrflink/internal/,$(RACED)))
# Go keeps the result of a test until something that the test has read changes. It does not see what the programs read that
# a test starts: these tests run each time. FRESH=1, as CI has it, runs all, in another order each time. Go keeps no result of
# a test that runs by -exec, so compilers are tuned only where it keeps none anyway.
ANEW      := -shuffle=on -count=1
FRESH     ?=
KEPT       = $(if $(FRESH),$(GC)) $(GO) test $(1) $(TESTFLAGS) $(if $(FRESH),$(ANEW) $(UNTUNED)) $(ATONCE_FLAGS)
STARTERS   = $(addprefix emrflink/,$(shell git grep -l '"os/exec"' -- '*_test.go' | xargs -n1 dirname | sort -u))
# The end-to-end tests take longest and wait for half of it: they come first, and the others make room for them.
LONG       = emrflink/internal/e2e $(filter-out emrflink/internal/e2e $(RACE),$(STARTERS))
REST       = $(filter-out $(LONG) $(RACE),$(shell $(GO) list ./... ./localkube/...))
ROOM      := nice -n 5
# With PKG=./internal/preview, `make test` runs these alone, as a plain `go test` would.
PKG       ?=
export EMRFLINK_BIN := $(CURDIR)/$(BIN)

.DEFAULT_GOAL := help

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build bin/emrflink and bin/localkube (minutes the first time)
	@$(GO) run ./internal/tools/build -o $(BIN) -version $(VERSION)

.PHONY: archive
archive: build ## Make the release archive of this machine from bin/, with completions and a checksum
	@rm -rf dist && mkdir -p dist/archive
	$(GO) run ./internal/tools/completions -bin $(BIN)/emrflink -out dist/archive/completions
	cp $(BIN)/emrflink $(BIN)/localkube LICENSE README.md CHANGELOG.md dist/archive
	name=emrflink_$(VERSION)_$$($(GO) env GOOS)_$$($(GO) env GOARCH).tar.gz && \
		tar -C dist/archive -czf dist/$$name . && cd dist && sha256sum $$name | tee checksums.txt

.PHONY: snapshot
snapshot: ## Build what a release has, for all platforms, and publish nothing (compiles everything four times: an hour)
	$(GO) install $(SYFT)
	PATH="$$PATH:$(GOBIN)" $(GO) run $(GORELEASER) release --snapshot --clean --skip=docker

.PHONY: demo
demo: ## Build, deploy, run a Flink job, clean up, on the local target: no AWS account
	@$(GO) run ./internal/tools/demo -bin $(BIN) -version $(VERSION)

.PHONY: flink
flink: build ## Fetch the Flink that runs jobs on the local target (needs Maven; Java 11 or 17 to run it)
	@$(BIN)/emrflink local flink install

.PHONY: samples
samples: ## Build the jars of the sample jobs that have a source, into bin/samples (needs Maven and a JDK)
	@$(GO) run ./internal/tools/build -o $(BIN) -samples $(SAMPLES)

.PHONY: kafka
kafka: ## Run a broker of Kafka for the sample job kafka on the local target (needs Maven and Java), until Ctrl-C
	@$(GO) run ./internal/tools/broker -dir $(BIN)/kafka

.PHONY: samples-table
samples-table: build samples ## Take each sample job through its life in real Flink and write the table of docs/samples.md (20 minutes)
	$(GO) run ./internal/tools/sampletable -bin $(BIN)

.PHONY: samples-life
samples-life: SAMPLES := counting
samples-life: build samples ## Take the job that counts through a whole life in real Flink, to a second stack, and write it down in docs/samples.md (10 minutes)
	$(GO) run ./internal/tools/sampletable -bin $(BIN) -life

.PHONY: samples-files
samples-files: build ## Mend the job files that people wrote and run them in real Flink, for docs/job-files.md (5 minutes)
	$(GO) run ./internal/tools/sampletable -bin $(BIN) -files

.PHONY: samples-new
samples-new: build ## Build, test and run a new job of each language as job init makes it, in real Flink, for docs/samples.md (needs Maven; 5 minutes)
	$(GO) run ./internal/tools/sampletable -bin $(BIN) -new

.PHONY: state-loss
state-loss: ## Try every moment at which something can fail under a command that changes a job, and write docs/state-loss.md (5 minutes)
	$(GO) test ./internal/localcloud/flinkoperator -run TestNoStateIsLost -timeout 30m -args -whole-matrix -update

.PHONY: panels
panels: build ## See every query of dashboards and alerts over real jobs in trouble, for docs/panels.md (needs prometheus; 15 minutes)
	$(GO) run ./internal/tools/panels -bin $(BIN)

.PHONY: pod-address
pod-address: ## Compile the class of ours that runs in Flink's processes again (needs javac)
	cd internal/localcloud/flinkprocess/java && javac --release 11 -g:none -d . emrflink/PodAddress.java

# By hand only: it costs money. TARGET=local rehearses it.
TARGET  ?= aws
MAX_USD ?= 10
.PHONY: aws-smoke
aws-smoke: build ## Deploy, run a job and clean up in ACCOUNT and REGION on AWS, for at most MAX_USD (an hour; TARGET=local: a rehearsal)
	@$(GO) run ./internal/tools/smoke -bin $(BIN) -target "$(TARGET)" -account "$(ACCOUNT)" -region "$(REGION)" -max-usd "$(MAX_USD)"

.PHONY: test
test: build ## Run all tests, with the race detector where goroutines share data if there is a C compiler
ifneq ($(PKG),)
	$(GO) test $(TESTFLAGS) $(PKG)
else
	@$(if $(RACE),$(GO) run ./internal/tools/build -tests "$(RACE)",echo "no C compiler: running without the race detector")
	@$(MAKE) --no-print-directory --jobs=3 test-long test-rest test-race
endif

ATONCE_FLAGS = -p $(ATONCE) -parallel $(ATONCE)

.PHONY: test-long
test-long:
	$(GC) $(GO) test $(TESTFLAGS) $(ANEW) $(UNTUNED) $(ATONCE_FLAGS) $(LONG)

.PHONY: test-rest
test-rest:
	$(ROOM) $(call KEPT) $(REST)

# The race detector would sleep for a second at the end of each program.
.PHONY: test-race
test-race:
	$(if $(RACE),GORACE="atexit_sleep_ms=10 $(GORACE)" $(ROOM) $(call KEPT,-race) $(RACE))

.PHONY: lint
lint: ## Check formatting and run golangci-lint
	@out=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$out" || { echo "not formatted; run: gofmt -w" $$out; exit 1; }
	$(GC) $(GO) install $(LINT)
	$(GC) $(GOBIN)/golangci-lint run ./...
	cd localkube && $(GO) run ../internal/tools/gc $(GOBIN)/golangci-lint run --config ../.golangci.yml ./...

.PHONY: generate
generate: docs golden ## Make every generated file again

.PHONY: golden
# Two tests that deploy take minutes and have no golden file.
golden: build ## Write the golden files of the tests again
	$(GO) test -vet=off $$(git grep -l '"emrflink/internal/golden"' -- '*_test.go' | xargs -n1 dirname | sort -u | sed 's|^|./|') \
		-skip '^(TestADeploymentFromFirstToLast|TestTheReadmesCommands)$$' -update

.PHONY: docs
docs: build ## Write docs/reference and the generated parts of docs/architecture.md again, from the source
	$(GO) run ./internal/tools/house
	$(BIN)/emrflink docs --dir docs/reference
	$(BIN)/emrflink config schema > docs/schema.json
	$(GO) run ./internal/tools/reference -out docs/reference/components
	cd internal/tools/firstlook && $(CURDIR)/$(BIN)/emrflink preview --stack local --save-baseline blueprint.json >/dev/null

.PHONY: screens
screens: build images ## Make the screens of docs/guide.md again, by running the commands (about a minute)
	@$(GO) run ./internal/tools/screens -bin $(BIN) docs/guide.md

.PHONY: images
images: build ## Make docs/images again; needs a Chromium on the PATH or in EMRFLINK_BROWSER
	@$(GO) run ./internal/tools/images -bin $(BIN) -out docs/images

.PHONY: browser
browser: ## Test the page of preview in a Chromium (fails without one; make test leaves it out)
	$(GO) test $(TESTFLAGS) -tags=browser -run Browser ./internal/preview

.PHONY: bench
bench: build ## Measure, in one run, what README promises (docs/bench.md and docs/bench.json)
	$(GO) run ./internal/tools/bench -bin $(BIN) -out docs

.PHONY: chaos
chaos: build ## Repeat, use and kill deploys and cleanups and see what becomes of them (hours; it goes on where it was stopped)
	$(GO) run ./internal/tools/chaos -bin $(BIN) -table chaos.tsv -at-once 2 $(CHAOS)

.PHONY: mutate
mutate: ## Change each operator of PKG and see whether its tests notice (minutes to an hour; PKG=./internal/cleanup)
	$(GO) install $(MUTATE)
	nice -n 10 $(GO) run ./internal/tools/mutate -gremlins $(GOBIN)/gremlins $(PKG)

.PHONY: traps
traps: build ## Run the tests that docs/traps.md and docs/cleanup.md name and print trap, test and result
	@$(GO) run ./internal/tools/traps -bin $(BIN)

.PHONY: referee
referee: build ## Let the real AWS provider check our AWS resources and the replacement table (needs terraform)
	$(GO) run ./internal/tools/referee -bin $(BIN)
	$(GO) run ./internal/tools/replacement

.PHONY: policy-measure
policy-measure: build ## Read from its log which calls the real AWS provider makes, for internal/awskind/calls.tsv (needs terraform and moto_server)
	$(GO) run ./internal/tools/awscalls -bin $(BIN) -write

.PHONY: policy-proof
policy-proof: build ## Take one action after the other away from the printed policies, on the simulated account, for docs/policy.md (minutes)
	$(GO) run ./internal/tools/policyproof -bin $(BIN) -out docs/policy.md

.PHONY: referee-operator
referee-operator: build ## Compare the stand-in of the Flink operator with the real one, OPERATOR_JAR, for docs/operator-scenarios.md (an hour)
	$(GO) run ./internal/tools/refereeoperator -bin $(BIN) -jar "$(OPERATOR_JAR)" $(REFEREE)

.PHONY: referee-webhook
referee-webhook: build ## Let the real operator's webhook, WEBHOOK_JAR, judge the job files of docs/job-files.md (a minute)
	$(GO) run ./internal/tools/refereeoperator -bin $(BIN) -webhook "$(WEBHOOK_JAR)" $(REFEREE)

.PHONY: replacement
replacement: ## Derive internal/replacement/aws.tsv again, by asking the AWS provider of Terraform (minutes)
	$(GO) run ./internal/tools/replacement -write

.PHONY: check
check: export FRESH := 1
check: tidy test lint drift ## What CI runs

.PHONY: tidy
tidy:
	GOWORK=off $(GO) mod tidy -diff
	cd localkube && GOWORK=off $(GO) mod tidy -diff
	@$(GO) work sync && git diff --exit-code -- go.mod go.sum localkube/go.mod localkube/go.sum go.work.sum || \
		{ echo "the modules name different versions of what they share; commit what go work sync wrote"; exit 1; }

.PHONY: lean
lean: ## Write the stand-ins in internal/leanstart again (after an update of Pulumi; fetches the originals)
	$(GO) run ./internal/tools/lean

.PHONY: budget
budget: ## Write docs/budget.tsv again: the modules that the programs link
	$(GO) run ./internal/tools/budget -write

.PHONY: drift
drift: docs
	@git diff --exit-code -- docs/architecture.md docs/reference docs/schema.json internal/tools/firstlook/blueprint.json || { echo "generated files are stale; run: make docs"; exit 1; }
