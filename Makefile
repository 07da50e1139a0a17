# What a person types. Everything runs in .venv, which `make install` builds from requirements.lock.
# Needs git, make and Python 3.11-3.13 with venv; nothing else, and no activated environment.

.DEFAULT_GOAL := help
.PHONY: help install up demo check test both bench chaos e2e fuzz fix docs lock servers

# Another project's environment or search path must not leak in.
unexport PYTHONPATH PYTHONHOME VIRTUAL_ENV CONDA_PREFIX UV_PYTHON UV_SYSTEM_PYTHON

PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
CODE := bihuan flows tasks schemas deployments
# uv reads no pip.conf, so the mirror named there is handed over.
FROM_MIRROR = mirror=$${PIP_INDEX_URL:-$$($(BIN)/python -m pip config get global.index-url 2>/dev/null)}; \
	UV_DEFAULT_INDEX=$${UV_DEFAULT_INDEX:-$$mirror}

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

install: $(STAMP) ## Make .venv from requirements.lock (at once when nothing changed)

up: $(STAMP) ## Start everything on this machine; Ctrl-C ends it (ARGS="--port 8800")
	@exec $(BIN)/bihuan up $(ARGS)

demo: $(STAMP) ## The same with a simulated company in ./demo-data
	@exec $(BIN)/bihuan up --demo --data ./demo-data $(ARGS)

check: $(STAMP) ## Linters, format, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(CODE)
	$(BIN)/lint-imports --no-logo

test: $(STAMP) ## The test suite without long walks, on PostgreSQL in short, on two cores (ARGS="-k outbox")
	$(BIN)/python -m pytest -n 2 --dist loadfile --short $(ARGS)

both: $(STAMP) ## The test suite, all of it on SQLite and on PostgreSQL, long walks too
	$(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS)

# ten_million takes half an hour and 27 GB: it is run by name.
bench: $(STAMP) ## Benchmarks: prints ratios and one table of all, writes benchmarks/results/
	@for file in $$(grep -l __main__ benchmarks/*.py | grep -v -e /table -e /ten_million); do \
		echo "== $$file" && $(BIN)/python -m benchmarks.$$(basename $$file .py) $(ARGS) || exit; done
	@$(BIN)/python -m benchmarks.table

chaos: $(STAMP) ## Kill workers, databases and servers at seeded points; what was promised must still hold
	$(BIN)/python -m pytest -m chaos $(ARGS)

e2e: $(STAMP) ## Every page and form in a real Chromium (apt-get install chromium fonts-wqy-microhei)
	$(BIN)/python -m pytest -m e2e -rs $(ARGS)

fuzz: $(STAMP) ## A hundred thousand malformed requests and files, seeded: no fault, and nothing changes
	$(BIN)/python -m pytest -m fuzz $(ARGS)

fix: $(STAMP) ## Format, and mend what the linter can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(STAMP) ## Write docs/commands.md anew from the commands themselves
	$(BIN)/python -m typer bihuan.cli.main utils docs --name bihuan --output docs/commands.md

lock: $(STAMP) ## Write requirements.lock anew from pyproject.toml (ARGS="--upgrade")
	$(BIN)/uv pip compile -q --universal --generate-hashes --python-version 3.11 --extra dev \
		--no-header --no-annotate -o requirements.lock pyproject.toml $(ARGS)
	$(BIN)/uv pip compile -q --universal --generate-hashes --python-version 3.11 --no-deps -c requirements.lock \
		--no-header --no-annotate -o deployments/servers.lock deployments/servers.in $(ARGS)

# `make install` brings .venv to requirements.lock and so takes this away again: it is needed after each upgrade.
servers: $(STAMP) ## Add what several Prefect servers need, from deployments/servers.lock
	@$(FROM_MIRROR) $(BIN)/uv pip install --python $(BIN)/python --compile-bytecode --no-deps --require-hashes \
		-r deployments/servers.lock
	@$(BIN)/uv pip check -q --python $(BIN)/python

# uv comes first, by pip, at the locked version; it then installs the rest, itself included.
# --compile-bytecode: without it the first start of Prefect takes four times as long.
$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' || { \
		echo 'bihuan: $(PYTHON) is not Python 3.11-3.13 with venv - apt-get install python3 python3-venv,' \
			'or make PYTHON=/path/to/python3.11' >&2; exit 1; }
	@$(BIN)/uv --version >/dev/null 2>&1 && $(BIN)/python -c '' || { $(PYTHON) -m venv --clear .venv \
		&& awk '/^[^ ]/ {take = /^uv==/} take' requirements.lock > .venv/uv.txt \
		&& $(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r .venv/uv.txt; } || { \
		echo 'bihuan: uv could not be installed - check the network; behind a mirror set PIP_INDEX_URL' \
			'to it, then make install again' >&2; exit 1; }
	@$(FROM_MIRROR) $(BIN)/uv pip sync --python $(BIN)/python --compile-bytecode --require-hashes requirements.lock
	$(BIN)/uv pip install -q --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@
