# The developer interface. `make help` lists it; nothing else needs to be known to work on the project.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV ?= .venv
PYTHON ?=
DEMO ?=
PYTEST_WORKERS ?= 2
TESTS ?= tests
# A folder of real images with manifest.csv and gt_pairs.csv; docs/bench.md says which can do without the two.
DATA ?= $(ECHO_IMAGE_DATA)
BENCHMARKS ?= pairs add nasty search_http edits peers

BIN := $(VENV)/bin
# Compiled kernels are kept with the environment: always writable, and gone with it.
export NUMBA_CACHE_DIR ?= $(abspath $(VENV))/numba-cache
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help demo test lint format docs bench clean

help: ## list these targets
	@awk -F':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.installed ## build a small library and open the search page (DEMO=--once: search once and end)
	@$(BIN)/echo-image demo $(DEMO)

test: $(VENV)/.installed-test node_modules/.installed ## run every test (TESTS=path, PYTEST_WORKERS=n)
	$(BIN)/python -m pytest -n $(PYTEST_WORKERS) --dist loadfile $(TESTS)

lint: $(VENV)/.installed-dev node_modules/.installed ## check style, types and the order of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@if [ -x node_modules/.bin/tsc ]; then echo "tsc --project tsconfig.json"; node_modules/.bin/tsc --project tsconfig.json; \
	else echo "the types of the page are not checked: there is no npm"; fi

format: $(VENV)/.installed-dev ## put the code into the project's form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.installed ## write the generated reference and images below docs/
	$(BIN)/python -m docs.generate

bench: $(VENV)/.installed-test ## measure recall and speed (DATA=folder of images, BENCHMARKS=names)
	@test -n "$(DATA)" || { echo "error: name a folder of images: make bench DATA=folder" >&2; exit 2; }
	@for name in $(BENCHMARKS); do \
	  echo "python -m benchmarks.$$name --data $(DATA)"; \
	  $(BIN)/python -m "benchmarks.$$name" --data "$(DATA)"; \
	done

clean: ## remove the environment, the demo and every cache
	rm -rf $(VENV) node_modules demo-library build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis \
	  .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The page is checked by tools from npm and needs nothing of them to run. Without npm these checks are left out,
# but not in continuous integration.
node_modules/.installed: package.json package-lock.json
	@if command -v npm >/dev/null && npm ci --silent; then touch $@; \
	elif [ "$${CI:-}" = true ]; then echo "error: npm ci failed; the checks of the page need it" >&2; exit 1; \
	else echo "without npm ci, the page's types and accessibility are not checked"; fi

# An environment is made once and brought up to date when pyproject.toml changes. A command named python3.x
# can be a shim that fails, so each is tried; it must also be able to make environments. An environment that is
# there and works is kept.
$(VENV)/.created:
	@fits='import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))'; \
	if $(BIN)/python -c "$$fits" >/dev/null 2>&1; then touch $@; exit 0; fi; \
	chosen=; \
	for candidate in $(PYTHON) python3.13 python3.12 python3.11 python3 python; do \
	  if "$$candidate" -c "$$fits" >/dev/null 2>&1; then chosen=$$candidate; break; fi; \
	done; \
	if [ -z "$$chosen" ]; then \
	  echo "error: Echo-Image needs Python 3.11 or later with the venv module, and none was found." >&2; \
	  echo "hint: install one (Debian, Ubuntu: apt install python3 python3-venv), or name it: make PYTHON=/path/to/python3" >&2; \
	  exit 1; \
	fi; \
	echo "making $(VENV) with $$("$$chosen" --version)"; \
	"$$chosen" -m venv --clear $(VENV)
	@touch $@

$(VENV)/.installed: pyproject.toml | $(VENV)/.created
	@echo "installing Echo-Image and what it needs into $(VENV)"
	$(BIN)/python -m pip install --quiet -e .
	@touch $@

$(VENV)/.installed-test: pyproject.toml | $(VENV)/.created
	@echo "installing Echo-Image and what it needs into $(VENV)"
	$(BIN)/python -m pip install --quiet -e '.[test]'
	@touch $@ $(VENV)/.installed

$(VENV)/.installed-dev: pyproject.toml | $(VENV)/.created
	@echo "installing Echo-Image and what it needs into $(VENV)"
	$(BIN)/python -m pip install --quiet -e '.[dev]'
	@touch $@ $(VENV)/.installed $(VENV)/.installed-test
