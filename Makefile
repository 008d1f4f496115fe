# One vocabulary for people, hooks and CI. `make help` lists it.
# Everything that is kept lies in PLATFORM_HOME; everything that is installed in VENV.

PYTHON ?= python3
VENV ?= .venv
PORT ?= 3000
PLATFORM_HOME ?= $(CURDIR)/.platform
ifeq ($(filter /%,$(PLATFORM_HOME)),)
override PLATFORM_HOME := $(CURDIR)/$(PLATFORM_HOME)
endif
DAGSTER_HOME := $(PLATFORM_HOME)/dagster
# An environment may have an instance file of its own, dagster.<environment>.yaml.
INSTANCE := $(firstword $(wildcard $(CURDIR)/dagster.$(PLATFORM_ENVIRONMENT).yaml) $(CURDIR)/dagster.yaml)
export PLATFORM_HOME DAGSTER_HOME
export MLFLOW_DISABLE_TELEMETRY := true

BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help instance demo dev test test-long test-loop test-s3 check format bench loop lock env clean

help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{gsub(/\$$\$$/, "$$", $$2); printf "  make %-9s %s\n", $$1, $$2}'

$(INSTALLED): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed, this is " + sys.version.split()[0] + "; call make with PYTHON=python3.11")'
	@echo "Installing the pinned dependencies into $(VENV) (once; a few minutes) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

instance:
	@mkdir -p "$(DAGSTER_HOME)" && ln -sf "$(INSTANCE)" "$(DAGSTER_HOME)/dagster.yaml"

demo: $(INSTALLED) ## simulate a world and run the whole graph on it, landed files to validated scores
	@$(BIN)/platform demo

dev: $(INSTALLED) instance ## open the web UI on the same data, with its daemon (PORT=3000)
	@$(BIN)/python -c 'import socket, sys; sys.exit("Port $(PORT) is taken, perhaps by another make dev; end that one, or use make dev PORT=3001 PLATFORM_HOME=<another home>" if socket.socket().connect_ex(("127.0.0.1", $(PORT))) == 0 else 0)'
	@$(BIN)/platform recover
	@echo "The UI comes up at http://127.0.0.1:$(PORT) in about 15 seconds; Ctrl-C ends it."
	@PYTHONWARNINGS="ignore:Function" $(BIN)/dagster dev --workspace workspace.yaml --host 127.0.0.1 --port $(PORT) --log-level warning

test: $(INSTALLED) ## run every test
	@$(BIN)/python -m pytest -n auto

test-long: $(INSTALLED) ## run the long forms of the tests, minutes
	@$(BIN)/python -m pytest -m long

test-loop: $(INSTALLED) ## live through the short form of the closed loop, as CI does
	@$(BIN)/python -m pytest -m loop

test-s3: $(INSTALLED) ## run the S3 tests on a throw-away Ceph cluster (INSTALL=--install gets it first, as root)
	@BIN=$(BIN) .ci/test-s3 $(INSTALL)

check: $(INSTALLED) ## ruff, mypy, import contracts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(INSTALLED) ## let ruff rewrite what it can
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: $(INSTALLED) ## measure; benchmarks/results.md holds the figures
	@$(BIN)/python -m benchmarks

loop: $(INSTALLED) ## live through 120 simulated days with a planted drift, and draw what happened
	@$(BIN)/python -m benchmarks closed_loop

lock: $(INSTALLED) ## pin the newest allowed versions of every dependency
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --extra dev --generate-hashes --no-strip-extras --no-emit-index-url \
		--custom-compile-command "make lock" --output-file requirements.lock pyproject.toml

env: instance ## print what a shell needs to call dagster itself: eval "$$(make env)"
	@echo "export PLATFORM_HOME='$(PLATFORM_HOME)' DAGSTER_HOME='$(DAGSTER_HOME)' PATH='$(CURDIR)/$(BIN)':\"\$$PATH\""

clean: ## remove .platform of this folder (what make demo made); no other home, not the installation
	@rm -rf "$(CURDIR)/.platform"
