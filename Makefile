# The project's commands. Each one first installs the tools that it needs.
PYTHON ?= python3
BIN := .venv/bin
READY := build/.installed
BENCH := build/venvs/bench
export JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION := 20
# Container images often set it. Without bytecode, every process compiles all that it imports: 4 s for the CDK app alone.
unexport PYTHONDONTWRITEBYTECODE
SHARED_OUT := -n 3 --dist loadgroup --no-loadscope-reorder
QUICK_TESTS := tests/unit
WITH_TYPES := sh local/with_types.sh
SOURCES := functions shared state_machine infra_cdk local cli benchmarks tests

.DEFAULT_GOAL := help
.PHONY: help install demo cloud check test test-all bench-convert bench-write bench-load bench-footprints bench-growth bench-trend throttling costs sizes wheel snapshot dashboards lint types clean lock

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' Makefile

$(READY): local/install.sh pyproject.toml requirements/*.txt package-lock.json
	@PYTHON=$(PYTHON) sh local/install.sh
	@mkdir -p build && touch $@

install: $(READY) ## install what the other commands need, into this folder

demo: $(READY) ## load sample files end to end on this machine and compare every point (to load your own: FILE=... DATASET=...; KEEP=1 keeps running)
	@$(BIN)/python -m local.demo $(if $(FILE),--file "$(FILE)") $(if $(DATASET),--dataset "$(DATASET)") $(if $(KEEP),--keep)

cloud: $(READY) ## start the local cloud, deploy, and run until Ctrl-C; use `loader` in a second terminal
	@$(BIN)/python -m local.serve

check: $(READY) lint ## check format, lint, and types, and run the tests without a server or a deployment (under a minute)
	@$(WITH_TYPES) $(BIN)/python -m pytest -n 2 -m "not slow" --durations=5 --hypothesis-profile quick $(QUICK_TESTS)

test: $(READY) lint ## check format, lint, and types, and run the quick tests
	@$(WITH_TYPES) $(BIN)/python -m pytest $(SHARED_OUT) -m "not slow"

test-all: $(READY) lint ## the same, and the slow tests
	@$(WITH_TYPES) $(BIN)/python -m pytest $(SHARED_OUT)

$(BENCH)/.installed: $(READY) requirements/bench.txt
	@[ -x $(BENCH)/bin/python ] || $(BIN)/uv venv -q --python $(BIN)/python $(BENCH)
	@$(BIN)/uv pip sync -q --require-hashes --python $(BENCH)/bin/python requirements/bench.txt && touch $@

bench-convert: $(BENCH)/.installed ## measure conversion against its peers and a C++ program, on one core
	@$(BENCH)/bin/python -m benchmarks.convert

bench-write: $(READY) ## measure how fast batches are written, against a plain HTTP client
	@$(BIN)/python -m benchmarks.write

bench-load: $(READY) ## measure from a file to queryable points, beside influxdb-client and ready-made bodies (half an hour)
	@$(BIN)/python -m benchmarks.load

bench-footprints: $(READY) ## measure the size of footprints, in bytes a point
	@$(BIN)/python -m benchmarks.footprints

bench-growth: $(READY) ## measure that the time for many series, and many loads, does not grow with their square
	@$(BIN)/python -m benchmarks.growth

bench-trend: $(READY) ## compare the results in benchmarks/results with those committed before, and flag losses
	@$(BIN)/python -m benchmarks.trend

throttling: $(READY) ## simulate bursts of files that Lambda throttles, and write docs/throttling.md
	@$(BIN)/python -m benchmarks.throttling > docs/throttling.md.new && mv docs/throttling.md.new docs/throttling.md

costs: $(READY) ## compute what loads cost, and write docs/costs.md
	@$(BIN)/python -m benchmarks.costs > docs/costs.md.new && mv docs/costs.md.new docs/costs.md

sizes: $(READY) ## measure the assets and the import time of each function, and write docs/sizes.md
	@$(BIN)/python -m benchmarks.sizes > docs/sizes.md

wheel: $(READY) ## build the loader command as a wheel, with its locked requirements, in build/dist
	@$(BIN)/python -m local.wheel

snapshot: $(READY) ## write the definitions of the state machines to docs/state_machines.json
	@$(BIN)/python -m state_machine.definition > docs/state_machines.json

dashboards: $(READY) ## write the Grafana dashboards to docs/grafana
	@$(BIN)/python -m cli.grafana.files

lint: $(READY)
	@$(BIN)/ruff format --check --quiet $(SOURCES)
	@$(BIN)/ruff check --quiet $(SOURCES)

types: $(READY)
	@$(BIN)/mypy

lock: $(READY) ## compile requirements/*.in to requirements/*.txt, with hashes
	@cd requirements && for name in dev emulator layer-shared layer-arrow cli lambda uv bench; do \
		../$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header \
			$$(case $$name in dev|emulator) ;; *) echo "-c dev.txt" ;; esac) \
			$$(case $$name in cli) echo "layer-shared.in layer-arrow.in" ;; esac) $$name.in -o $$name.txt || exit 1; done

clean: ## remove everything that these commands created
	rm -rf .venv build cdk.out node_modules *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
