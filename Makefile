# `make gameday` and `make test` set up whatever they need in .venv; nothing else is touched.

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 \
	&& echo $$p && break; done)
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: gameday prove fuzz kills test lint types floors check bench bench-smoke clean

gameday: $(VENV)/ready
	$(BIN)/gameday run

fuzz: $(VENV)/ready
	$(BIN)/gameday fuzz --plans 100

prove: $(VENV)/ready
	$(BIN)/gameday prove

kills: $(VENV)/ready-dev
	$(BIN)/python -m tests.controls.crash
	$(BIN)/python -m tests.controls.two_workers --rows 100000

test: $(VENV)/ready-dev
	$(BIN)/python -m tests.sdk.environments
	$(BIN)/python -m pytest -n 2 --dist worksteal

lint: $(VENV)/ready-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/ready-dev
	$(BIN)/mypy

floors: $(VENV)/ready-dev
	$(BIN)/lint-imports

check: lint types floors test

bench: $(VENV)/ready-dev
	$(BIN)/python -m benchmarks
	$(BIN)/python -m benchmarks.simulator
	$(BIN)/python -m benchmarks.controls
	$(BIN)/python -m benchmarks.jobs
	$(BIN)/python -m benchmarks.reports
	$(BIN)/python -m benchmarks.fuzz_bugs
	$(BIN)/python -m benchmarks.drills

bench-smoke: $(VENV)/ready-dev
	$(BIN)/python -m benchmarks --smoke
	$(BIN)/python -m benchmarks.simulator --smoke
	$(BIN)/python -m benchmarks.controls --smoke
	$(BIN)/python -m benchmarks.jobs --smoke
	$(BIN)/python -m benchmarks.reports --smoke
	$(BIN)/python -m benchmarks.fuzz_bugs --smoke
	$(BIN)/python -m benchmarks.drills --smoke

clean:
	rm -rf $(VENV) gameday-report gameday-fuzz .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "gameday needs Python 3.11 or newer with venv \
	(on Debian and Ubuntu: apt-get install python3-venv)."; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/ready: $(VENV)/bin/python pyproject.toml constraints.txt
	$(INSTALL) -e .
	@touch $@

$(VENV)/ready-dev: $(VENV)/ready
	$(INSTALL) -e '.[dev]'
	@touch $@
