# Copse's targets. `make help` lists them; only Go and make are needed but
# where a line says otherwise.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

GO ?= go
BIN := bin
DIST := dist

# How binaries are built. No cgo, no paths, no build id: the same sources give
# the same bytes in any folder. lambda.norpc leaves out the RPC mode of the old
# Go runtime; validator_novalidatefn and grpcnotrace let the linker
# drop methods that nobody calls (megabytes, and so milliseconds at start).
TAGS := lambda.norpc,validator_novalidatefn
SERVER_TAGS := $(TAGS),grpcnotrace
build = CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false -tags $(1) -ldflags "-s -w -buildid= $(4)" -o $(2) $(3)

comma := ,

# What `copse version` says; without git it says "devel".
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null)
COMMIT ?= $(shell git rev-parse HEAD 2>/dev/null)
STAMP = -X example.com/copse/functions/local.Version=$(VERSION) -X example.com/copse/functions/local.Commit=$(COMMIT)

PREDICT := ./functions/lambda/predict
EVENTS := ./functions/lambda/events
SERVER := ./functions/gcf/server
COPSE := ./functions/local/copse

GOLANGCI := $(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
# Seconds for each fuzz target in `make check`.
FUZZTIME ?= 3s

.PHONY: help
help: ## list the targets
	@awk -F':.*## ' '/^[A-Za-z][A-Za-z0-9_-]*:.*## / {printf "  %-22s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# ---- use

.PHONY: run
run: ## serve the embedded model on 127.0.0.1:8080 (page at /docs)
	@$(MAKE) --no-print-directory copse
	@exec $(BIN)/copse serve --addr 127.0.0.1:8080

.PHONY: copse
copse: ## the copse command for this machine, at bin/copse
	$(call build,$(TAGS),$(BIN)/copse,$(COPSE),$(STAMP))

.PHONY: lambda
lambda: ## the Lambda functions for this machine, at bin/{predict,events}/bootstrap
	$(call build,$(TAGS),$(BIN)/predict/bootstrap,$(PREDICT))
	$(call build,$(TAGS),$(BIN)/events/bootstrap,$(EVENTS))

.PHONY: beam
beam: ## the Beam pipeline for this machine, at bin/copse-beam (docs/beam.md)
	cd deploy/beam && $(call build,$(TAGS)$(comma)disable_grpc_modules,$(CURDIR)/$(BIN)/copse-beam,./copse-beam)

.PHONY: server
server: ## the Google functions' server for this machine, at bin/server
	$(call build,$(SERVER_TAGS),$(BIN)/server,$(SERVER))

.PHONY: model
model: ## train the default model again (the same bytes, every time)
	$(GO) run ./model/train

# ---- deploy

# What `sam build` calls, with ARTIFACTS_DIR set. BUNDLES="a.copse b.copse"
# packs models beside the binary, for the template's parameter Model.
GOARCH_LAMBDA := $(or $(GOARCH),arm64)
sam-build = GOOS=linux GOARCH=$(GOARCH_LAMBDA) $(call build,$(TAGS),"$(ARTIFACTS_DIR)/bootstrap",$(1))

.PHONY: build-PredictFunction
build-PredictFunction: ## for sam build: the HTTP function into $ARTIFACTS_DIR
	$(call sam-build,$(PREDICT))
	$(if $(BUNDLES),cp $(BUNDLES) "$(ARTIFACTS_DIR)/")

.PHONY: build-EventsFunction
build-EventsFunction: ## for sam build: the events function into $ARTIFACTS_DIR
	$(call sam-build,$(EVENTS))
	$(if $(BUNDLES),cp $(BUNDLES) "$(ARTIFACTS_DIR)/")

.PHONY: zip
zip: ## Lambda packages for arm64 and amd64, at dist/{predict,events}-ARCH.zip
	for arch in arm64 amd64; do \
	  for function in predict events; do \
	    folder=$(DIST)/$$function-$$arch; \
	    GOOS=linux GOARCH=$$arch $(call build,$(TAGS),$$folder/bootstrap,./functions/lambda/$$function); \
	    $(GO) run ./deploy/lambdazip $$folder.zip $$folder/bootstrap $(BUNDLES); \
	  done; \
	done

# ---- test

.PHONY: test
test: ## all tests that need no more than Go and make
	CGO_ENABLED=0 $(GO) test -timeout 9m ./...

.PHONY: check
check: ## what CI runs after test; needs gcc, Chromium, qemu, Python (see .ci/run)
	@before=$$(git status --porcelain; git diff | cksum); \
	$(MAKE) check-format check-modules check-lint check-fuzz check-mutations check-faults check-arm64 check-race check-beam; \
	after=$$(git status --porcelain; git diff | cksum); \
	if [ "$$before" != "$$after" ]; then echo "check changed the tree:"; git status --short; exit 1; fi

.PHONY: check-format
check-format: ## gofmt and vet
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); \
	if [ -n "$$unformatted" ]; then echo "not formatted; run gofmt -w on:"; echo "$$unformatted"; exit 1; fi
	$(GO) vet ./...
	$(GO) vet -tags $(SERVER_TAGS) ./...

.PHONY: check-modules
check-modules: ## go.mod and go.sum name what is used
	$(GO) mod tidy -diff
	$(GO) mod verify
	cd deploy/beam && $(GO) mod tidy -diff && $(GO) mod verify

.PHONY: check-lint
check-lint: ## golangci-lint, as .golangci.yml has it
	$(GOLANGCI) run ./...
	cd deploy/beam && $(GOLANGCI) run ./...

# Counts of allocations are left out: under the detector pools forget at random.
.PHONY: check-race
check-race: ## tests under the race detector (needs gcc)
	CGO_ENABLED=1 $(GO) test -race -short -skip Allocat -timeout 15m $$($(GO) list ./functions/... ./pkg/... | grep -v /pagetest)

# Answers must not depend on the processor: on arm64 the compiler fuses
# multiplications with additions, and the kernels' portable forms run. Packages
# that start other binaries (the page's tests, the suites' own) cannot run under qemu.
.PHONY: check-arm64
check-arm64: ## the core's tests built for arm64, under qemu-user-static
	GOARCH=arm64 CGO_ENABLED=0 $(GO) test -short -timeout 15m -exec qemu-aarch64-static \
	  $$($(GO) list ./pkg/... | grep -v "/pagetest\|/sinktest") ./model ./functions/internal/endtoend

.PHONY: check-fuzz
check-fuzz: ## each fuzz target for FUZZTIME (3s)
	.ci/fuzz $(FUZZTIME)

# Every model file of the tests, broken in ten thousand seeded ways.
.PHONY: check-mutations
check-mutations: ## broken model files: a clean error, or a model that scores, each
	CGO_ENABLED=0 $(GO) test -timeout 30m ./pkg/format/mutation -mutations 10000

# The real function, with S3, SQS, EventBridge, a callback and Lambda's pollers
# in the test; each schedule has a seed, by which it can be run again.
SCHEDULES ?= 1500
.PHONY: check-faults
check-faults: ## the events function killed, repeated and failing at each call: SCHEDULES (1500) seeded schedules
	CGO_ENABLED=0 $(GO) test ./functions/internal/faulttest -count=1 -timeout 30m -schedules $(SCHEDULES)

# A module of its own, so that root's targets never build Beam. With empty
# caches it is some minutes of compiling on two cores, then seconds.
.PHONY: check-beam
check-beam: ## Beam's transforms and pipeline, on Beam's own runner in process
	cd deploy/beam && CGO_ENABLED=0 $(GO) vet ./... && CGO_ENABLED=0 $(GO) test -timeout 15m ./...

.PHONY: check-memory
check-memory: ## what copse score holds for large inputs of all forms (some minutes)
	CGO_ENABLED=0 $(GO) test ./functions/local -run TestScoreIsBoundedInMemory -v -score-bytes 400000000 -timeout 30m

.PHONY: cover
cover: ## statements covered by tests, by function, at dist/cover.txt
	@mkdir -p $(DIST)
	CGO_ENABLED=0 $(GO) test -short -coverpkg=./pkg/...,./functions/... -coverprofile=$(DIST)/cover.out ./...
	$(GO) tool cover -func=$(DIST)/cover.out > $(DIST)/cover.txt
	tail -n 1 $(DIST)/cover.txt

# ---- measure

.PHONY: bench
bench: ## measure every figure of the README again and write them there, and the costs that follow (needs Python)
	$(GO) run ./bench -o README.md
	@$(MAKE) --no-print-directory cost

# bench runs it too, since its speeds are the README's.
.PHONY: cost
cost: ## what a thousand million rows cost by the README's speeds, into docs/scale.md
	$(GO) test ./deploy/cost -run TestPage -count=1 -update

.PHONY: bench-beam
bench-beam: ## measure the Beam pipeline against copse score, and write it into docs/beam.md
	$(GO) run ./bench/beam -o docs/beam.md

.PHONY: bench-serving
bench-serving: ## serving against FastAPI in one run (needs Python)
	$(GO) run ./bench/serving

.PHONY: bench-score
bench-score: ## copse score on all cores against as many processes of one core
	CGO_ENABLED=0 $(GO) test ./functions/local -run '^$$' -bench ScoreCores -benchtime 3x

.PHONY: bench-bulk
bench-bulk: ## files and objects: speed, memory, and against pandas and XGBoost (needs Python)
	$(GO) run ./bench/bulk

.PHONY: bench-peers
bench-peers: ## the engine against the models' own libraries; writes bench/peers/README.md (needs Python 3.11, gcc; the first run takes long)
	$(GO) run ./bench/peers -o bench/peers/README.md -picture docs/images/peers.svg

.PHONY: bench-start
bench-start: ## start-up, memory and size of the Lambda functions
	$(GO) run ./bench/start

.PHONY: page-picture
page-picture: ## the README's picture of /docs, anew (needs Chromium)
	$(GO) test ./pkg/httpapi/pagetest -run TestPicture -count=1 -picture $(CURDIR)/docs/images/docs-page.png

.PHONY: clean
clean: ## remove what was built here
	rm -rf $(BIN) $(DIST) .aws-sam
