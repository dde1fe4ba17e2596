# make        lists the targets
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
SOURCES := engine tui tasks tests benchmarks docs

.PHONY: help run test check format pictures clean

help:  ## list the targets
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 12

# The stamp is younger than every file that decides what is installed.
$(STAMP): pyproject.toml constraints.txt
	@echo "loopwatch: making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "loopwatch needs Python 3.11 or newer; name one with: make PYTHON=python3.12 ..."; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@echo "loopwatch: installing the pinned packages (PyTorch among them: some minutes the first time)"
	@$(BIN)/python -m pip install --disable-pip-version-check --progress-bar on --constraint constraints.txt torch
	@$(BIN)/python -m pip install --disable-pip-version-check --progress-bar on --constraint constraints.txt --editable '.[dev]'
	@touch $(STAMP)
	@echo "loopwatch: installed"

run: $(STAMP)  ## watch the default research loop (headless without a terminal)
	@$(BIN)/loopwatch --program program.md

test: $(STAMP)  ## run the tests
	$(BIN)/python -m pytest -n 2 --dist worksteal -q

check: $(STAMP)  ## format, lint, types, import contracts
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/mypy
	PYTHONPATH=typings $(BIN)/lint-imports --no-cache

format: $(STAMP)  ## rewrite the files the way check wants them
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix $(SOURCES)

pictures: $(STAMP)  ## draw the README's pictures from the real app
	$(BIN)/python docs/pictures.py

clean:  ## remove what make made
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache
