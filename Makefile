# `make` alone lists the targets. Everything is installed into .venv; nothing is needed but Python 3.11+ and make.
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
READY := $(VENV)/.ready
.DEFAULT_GOAL := help
# Without kept bytecode every command compiles some 1,700 modules anew, for seconds.
unexport PYTHONDONTWRITEBYTECODE

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(READY) ## create .venv with the locked packages

$(READY): pyproject.toml uv.lock
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or later is needed, this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
		{ echo "The venv module is missing: install python3-venv (Debian, Ubuntu) and try again."; exit 1; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip >/dev/null
	@test -x $(UV) || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@# --inexact keeps uv itself, which is not part of the lock.
	@export UV_PROJECT_ENVIRONMENT=$(VENV); SYNC="$(UV) sync --frozen --inexact --quiet --python $(BIN)/python"; \
		$$SYNC || { test "$$KAPITAL_REQUIRE_ALL" != 1 && $$SYNC --no-group screening && \
		echo "Without screening: PyICU is built from source here, install g++, pkg-config and libicu-dev, then: rm $@ && make setup"; }
	@touch $@

demo: $(READY) ## from decision to redemption on embedded parts, then prove it
	@$(BIN)/kapital demo

test: $(READY) ## all tests
	@$(BIN)/python tools/system_parts.py
	@# Each process has a server of its own; a file's tests share what is costly to start.
	@$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile

check: lint test ## what CI runs

lint: $(READY) ## style, types, walls of the house, generated files
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python tools/generate_contracts.py --check
	@$(BIN)/python tools/generate_docs.py --check

run: $(READY) ## serve the HTTP API of all services; data in var/kapital
	@exec $(BIN)/kapital up

bench: $(READY) ## benchmark of the ledger (about ten minutes)
	@$(BIN)/kapital bench ledger --json

contracts: $(READY) ## generate the contract types
	@$(BIN)/python tools/generate_contracts.py

docs: $(READY) ## generate the reference pages
	@$(BIN)/python tools/generate_docs.py

clean: ## remove .venv and everything that was made
	@rm -rf $(VENV) var .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

.PHONY: help setup demo test check lint run bench contracts docs clean
