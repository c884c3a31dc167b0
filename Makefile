# Everything a checkout needs: Python 3.11 or newer, and make. Each target makes what it needs and says what it did.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip install -qq --disable-pip-version-check
RUN    := $(VENV)/.installed
DEV    := $(VENV)/.installed-dev
PARTS  := cli providers schemas
# Worker processes for the tests: as many as there are processors, unless told.
JOBS   ?= auto

.DEFAULT_GOAL := help
.PHONY: help demo test e2e check bench golden acceptance types build clean

help: ## Print this list
	@echo 'dragoman: curl and jq for LLM APIs, and an interpreter between their wire protocols'
	@sed -n 's/^\([a-z0-9]*\):.*## \(.*\)/  make \1|\2/p' Makefile | while IFS='|' read -r name what; do printf '%-18s %s\n' "$$name" "$$what"; done

demo: $(RUN) ## Install into .venv, ask the embedded sandbox, convert an example (no key, no network)
	@echo '$$ dragoman stream -p sandbox "Name a colour."' && $(BIN)/dragoman stream -p sandbox --no-stdin "Name a colour."
	@echo '$$ dragoman models --check -p sandbox --level tools' && $(BIN)/dragoman models --check -p sandbox --level tools
	@echo '$$ dragoman complete --request tests/cases/example-request.json --allow-loss -p sandbox --dialect anthropic --usage'
	@$(BIN)/dragoman complete --request tests/cases/example-request.json --allow-loss -p sandbox --dialect anthropic --usage
	@echo '$$ dragoman convert tests/cases/example-request.json --to anthropic'
	@$(BIN)/dragoman convert tests/cases/example-request.json --to anthropic

test: $(DEV) ## Run the tests, but for the slow ones, which `make check` runs
	@HYPOTHESIS_PROFILE=$${HYPOTHESIS_PROFILE:-quick} $(BIN)/python -m pytest -q -n $(JOBS) -m 'not slow'

e2e: $(DEV) ## Run the commands against servers that nobody here wrote (needs Node.js 20 and npm; E2E='-k TEXT')
	@$(BIN)/python -m tests.e2e -q -n $(JOBS) $(E2E)

check: $(DEV) types ## Check format, lint and types, and run all tests with branch coverage
	@echo '── ruff format' && $(BIN)/ruff format --check --quiet --diff .
	@echo '── ruff check' && $(BIN)/ruff check --quiet .
	@echo '── mypy' && $(BIN)/mypy --no-error-summary
	@echo '── pyright' && PYRIGHT_PYTHON_IGNORE_WARNINGS=1 $(BIN)/pyright
	@echo '── tests' && $(BIN)/python -m pytest -q -n $(JOBS) --cov --cov-branch --cov-report=term
	@echo 'make check: all is well'

bench: $(DEV) ## Measure conversions, captures, replay, bulk memory and start-up (BENCH='--quick --only TEXT')
	@$(BIN)/python -m compileall -q $(PARTS)   # as an installation does: start-up is measured, too
	@$(BIN)/python -m tests.bench $(BENCH)

golden: $(DEV) ## Rewrite the expected conversions and the README's table; review them as a diff
	@$(BIN)/python -m tests.golden && $(BIN)/python -m tests.readme

acceptance: $(DEV) ## Run a judge from outside over the checkout (DRAGOMAN_ACCEPTANCE=FOLDER)
	@test -n "$$DRAGOMAN_ACCEPTANCE" || { echo 'make acceptance: DRAGOMAN_ACCEPTANCE is not set: it names the folder of the judge' >&2; exit 2; }
	@$(BIN)/python "$$DRAGOMAN_ACCEPTANCE/accept.py" $(ACCEPT)

types: ## Link the folders under the name that they are imported by, for type checkers
	@mkdir -p build/types/dragoman && touch build/types/dragoman/py.typed
	@for part in $(PARTS); do ln -sfn ../../../$$part build/types/dragoman/$$part; done

build: $(DEV) ## Build the wheel and the source archive into dist
	@$(BIN)/python -m build --outdir dist . >/dev/null && ls dist

clean: ## Remove .venv and everything that was made
	@rm -rf $(VENV) build dist *.egg-info .coverage .coverage.* .hypothesis .pytest_cache .ruff_cache .mypy_cache
	@find $(PARTS) tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "dragoman needs Python 3.11 or newer; $(PYTHON) is `$(PYTHON) --version 2>&1`. Name another: make PYTHON=python3.12" >&2; exit 1; }
	@echo 'making $(VENV)' && $(PYTHON) -m venv $(VENV)

$(RUN): pyproject.toml providers/version.py | $(BIN)/python
	@echo 'installing dragoman' && $(PIP) --editable . && touch $@

$(DEV): pyproject.toml providers/version.py | $(RUN)
	@echo 'installing what the tests need' && $(PIP) --editable '.[dev]' && touch $@
