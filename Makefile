# Thin: every rule is one command that you could type yourself.
# Needs Python >= 3.11, make and a package index; installs nothing outside this folder.

PYTHON ?= python3
UV_VERSION := uv>=0.9,<1
ARGS ?=
MINUTES ?= 30

VENV := .venv
BIN := $(VENV)/bin
UV := UV_PYTHON_DOWNLOADS=never UV_PROJECT_ENVIRONMENT=$(CURDIR)/$(VENV) $(BIN)/uv

.DEFAULT_GOAL := help
.PHONY: screenshots lighthouse help up test test-faults soak check format bench clean

help:
	@echo "make up      run the whole stack with sample data on http://127.0.0.1:8080"
	@echo "make test    run every test"
	@echo "make test-faults  every fault, kills three times on each database, long fuzzing (an hour and a half)"
	@echo "make soak    mixed load and random faults; MINUTES=30"
	@echo "make check   format, lint, types, import layers, known vulnerabilities"
	@echo "make bench   measure every figure of docs/performance.md (half an hour)"
	@echo "make lighthouse   what Lighthouse says of the console's pages"
	@echo "make screenshots  take the pictures of docs/screens.md anew"
	@echo "make format  apply the format and the safe lint fixes"
	@echo "ARGS=...     is handed to the command: make up ARGS='--port 9000'"

# uv lives inside the environment; --inexact keeps it there.
$(BIN)/uv:
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; try: make PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check '$(UV_VERSION)'

$(VENV)/.synced-run: pyproject.toml uv.lock | $(BIN)/uv
	$(UV) sync --quiet --frozen --inexact --no-dev
	@touch $@

$(VENV)/.synced-dev: pyproject.toml uv.lock | $(BIN)/uv
	$(UV) sync --quiet --frozen --inexact
	@touch $@ $(VENV)/.synced-run

up: $(VENV)/.synced-run
	@exec $(BIN)/relaypoint up --demo $(ARGS)

test: $(VENV)/.synced-dev
	$(BIN)/pytest $(ARGS)

test-faults: $(VENV)/.synced-dev
	$(BIN)/pytest tests/faults -m "faults_full or process" $(ARGS)
	$(BIN)/pytest tests --ignore=tests/faults -m faults_full $(ARGS)

soak: $(VENV)/.synced-dev
	$(BIN)/python -m tests.faults.soak --minutes $(MINUTES) $(ARGS)

check: $(VENV)/.synced-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/bandit --quiet --recursive -ll -c pyproject.toml app plugins bench
	$(BIN)/python -m tests.supply.audit

format: $(VENV)/.synced-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.synced-dev
	@exec $(BIN)/relaypoint bench $(ARGS)

lighthouse: $(VENV)/.synced-dev
	$(BIN)/pytest tests/console/pages/test_lighthouse.py -m faults_full -s -q $(ARGS)

screenshots: $(VENV)/.synced-dev
	$(BIN)/python -m tests.console.screenshots

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
