# The verbs a newcomer needs. `make run` and `make test` want Python 3.11 and pip, and nothing else.
PYTHON ?= python3.11
PORT ?= 8000
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help run demo test faults check format bench lock clean reset

help: ## show these verbs
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

.venv/run.stamp: requirements.lock pyproject.toml
	@sh deploy/make-venv.sh $(PYTHON) requirements.lock
	@touch $@

.venv/dev.stamp: requirements-dev.lock pyproject.toml
	@sh deploy/make-venv.sh $(PYTHON) requirements-dev.lock
	@touch $@ .venv/run.stamp

run: .venv/run.stamp ## migrate, seed and serve on 127.0.0.1 (PORT=8000), SQLite in ./var
	@ORDERS_PORT=$(PORT) $(BIN)/orders serve --prepare

demo: .venv/run.stamp ## a crash to watch: a server is killed at work, and every effect is counted afterwards
	@$(BIN)/orders demo

test: .venv/dev.stamp ## every test, on SQLite and on a PostgreSQL of its own, three at a time
	@$(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder $(ARGS)

faults: .venv/dev.stamp ## the long stories of kills, cut connections and failovers: minutes each
	@$(BIN)/pytest -m faults tests/acceptance $(ARGS)

check: .venv/dev.stamp ## format, lint, types, import contracts
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: .venv/dev.stamp ## let the formatter and the linter mend what they can
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: .venv/dev.stamp ## ours against the textbook service; claims from a full journal; one worker against two
	@$(BIN)/python -m tests.benchmarks.orders $(ARGS)
	@$(if $(ARGS),,$(BIN)/python -m tests.benchmarks.claims)
	@$(if $(ARGS),,$(BIN)/python -m tests.benchmarks.workers)

lock: ## resolve the lock files anew (needs uv)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --only-binary :all: \
		pyproject.toml build-requirements.in --extra postgres --extra celery -o requirements.lock
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --only-binary :all: \
		pyproject.toml build-requirements.in --extra postgres --extra celery --extra dev -c requirements.lock -o requirements-dev.lock

clean: ## remove the environment and caches; data stays
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .import_linter_cache *.egg-info build

reset: ## remove the development data in ./var
	rm -rf var
