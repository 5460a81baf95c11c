# Every target is a line that anybody could type. `make check` is what CI runs.
PYTHON ?= python3
BIN := .venv/bin
HOME_HERE := NANOCLAW_HOME=$${NANOCLAW_HOME:-$(CURDIR)/.nanoclaw}

.DEFAULT_GOAL := help
.PHONY: help setup run chat test check fmt lint types arch bench image soak sim mutate synapse

help:            ## this list
	@grep -hE '^[a-z]+:.*##' Makefile | sed -E 's/:[^#]*##/\t/' | expand -t 14

setup: .venv/.ready   ## the environment, from the lock file

.venv/.ready: uv.lock pyproject.toml tools/setup.py
	@$(PYTHON) tools/setup.py

synapse: .synapse/.ready   ## a Matrix homeserver for tests, in an environment of its own

.synapse/.ready: uv.lock pyproject.toml tools/setup.py
	@$(PYTHON) tools/setup.py synapse

run: setup       ## start nanoclaw in ./.nanoclaw and open the chat
	@$(HOME_HERE) $(BIN)/nanoclaw run

chat: setup      ## a chat with the running host
	@$(HOME_HERE) $(BIN)/nanoclaw chat

test: setup      ## the whole suite, with coverage
	@$(BIN)/python tools/test.py

check: lint types arch test   ## all that CI runs

fmt: setup       ## put the code in shape
	@$(BIN)/ruff check --fix --quiet
	@$(BIN)/ruff format --quiet

lint: setup      ## style, spelling, file length
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check --quiet
	@$(BIN)/codespell nanoclaw runner schema tests tools docs README.md
	@$(BIN)/python tools/gates.py

types: setup     ## mypy, strict
	@$(BIN)/mypy

arch: setup      ## who may import whom
	@$(BIN)/lint-imports --no-cache

bench: setup     ## figures: latency, throughput, cold starts
	@$(BIN)/python -m tests.bench

image: setup     ## the image that docker's sandboxes start from
	@$(BIN)/nanoclaw image build

soak: setup      ## property tests with many more examples, and tests that wait for minutes
	@$(BIN)/python tools/test.py --soak

sim: setup       ## a simulated world: the run of one SEED with its history, or as many new ones as there is time for
	@$(BIN)/python -m tests.sim $(SEED)

mutate: setup    ## break the decisions of routing; how much do the tests notice?
	@$(BIN)/python tools/mutate.py
