# Two commands matter: `make demo` shows it, `make test` proves it. Each sets up what it needs.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# ip and nft live in sbin, which a plain user's PATH may lack.
export PATH := $(PATH):/usr/sbin:/sbin
# The tests start hundreds of interpreters: each would compile all anew.
unexport PYTHONDONTWRITEBYTECODE

BIN := .venv/bin
# A job in the background may have been given ignored signals; the tests send them for real.
PYTEST := env --default-signal=INT,QUIT,HUP,TERM $(BIN)/python -m pytest

.PHONY: help demo test format lint docs test-long test-pythons test-versions test-wheel \
	soak soak-iperf3 frr stress fuzz accuracy bench selftest clean

help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*##' Makefile | sed -E 's/^([a-z0-9-]+):.*## /\1\t/' | expand -t 16

demo: ## two namespaces, a UDP stream between them, an outage in the middle
	@.ci/setup run
	@$(BIN)/python examples/demo.py

test: ## everything a change has to pass: format, lint, types, imports, docs, tests
	@.ci/setup dev
	@$(MAKE) --no-print-directory --jobs=2 --output-sync lint docs
	@.ci/unit

format: ## put every file into the house's format, and fix what can be fixed
	@.ci/setup dev
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

lint:
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: ## build the documentation into docs/_build; any warning is an error
	@.ci/setup dev
	$(BIN)/sphinx-build -n -W --keep-going -q -j auto docs docs/_build

test-long: ## the tests that are too long for every change
	@.ci/setup dev
	$(PYTEST) -q -m long

test-pythons: ## the suite on each CPython from 3.10 on that is found here
	@.ci/setup dev
	@.ci/test-pythons

test-versions: ## the live tests on the iperf builds of other Debian releases
	@.ci/setup dev
	@.ci/test-versions

soak: ## 200 streams for SOAK_S seconds (600): memory, descriptors, threads must be flat
	@.ci/setup dev
	$(PYTEST) -q tests/survival/soak.py

soak-iperf3: ## SOAK_S seconds (200) on each build of iperf3 that is here, all at once
	@.ci/setup dev
	$(PYTEST) -q tests/iperf3/soak.py

frr: ## the example with real routers, and all failures of it
	@.ci/setup dev
	$(PYTEST) -q tests/examples/frr.py

stress: ## 200 random streams of 1 to 3 s, always replaced, for STRESS_S seconds (60)
	@.ci/setup dev
	$(PYTEST) -q tests/traffic/stress.py

fuzz: ## feed each parser and the session mutated recordings for FUZZ_S seconds (600)
	@.ci/setup dev
	@.ci/fuzz

test-wheel: ## the suite against the built wheel, without the source folder
	@.ci/setup dev
	@.ci/test-wheel

accuracy: ## measure loss and outages against packet counters, and write the table in the docs
	@.ci/setup dev
	@.ci/fetch-iperf
	$(BIN)/python -m benchmarks.accuracy

bench: ## CPU, memory and times beside the old package, and write the tables in the docs
	@.ci/setup dev
	$(BIN)/python -m benchmarks.bench

selftest: ## 20 outages of each length from 5 ms to 1 s, in 4 flows and in 8: three minutes
	@.ci/setup run
	@status=0; \
	for flows in 4 8; do \
		$(BIN)/python -m pyperf2 selftest --outages 20 --flows $$flows || status=$$?; \
		(( status == 130 )) && break; \
	done; \
	exit $$status

clean: ## remove what was built; the virtual environment and the fetched builds too
	rm -rf .cache .venv docs/_build dist build .hypothesis .mypy_cache .pytest_cache \
		.ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
