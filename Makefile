# Needs bash, make and Python 3.11 or newer; everything else is fetched into .uv/ and .venv/, in the versions of the locks.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules

PYTHON ?= python3
UPGRADE ?=
BENCH ?=
ARGS ?=
PROCESSES ?= 2
IMAGING_BASE ?=
AIRFLOW_BASE ?=
DOCKER_BUILD ?= docker build
COMPOSE_BUILD ?= --build
UV_VERSION := 0.13.8

UV := env PYTHON="$(PYTHON)" tools/uv
INSTALL := tools/quietly
BIN := .venv/bin
LOCK := UV_CUSTOM_COMPILE_COMMAND="make lock" $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes

# what Python has compiled is kept: hundreds of commands and whole Airflows start in the tests, each several seconds faster by it
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help run stop airflow test test-quick test-large lint format docs bench lock images env compose-up compose-down clean

help: ## list what there is to make
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: .venv/.synced ## start the studio (Airflow, samples), show the flows, leave it running (DARKROOM_* variables count)
	@$(BIN)/python -m demo.run

stop: ## end what `make run` started; the pictures stay in var/
	@if [[ -x $(BIN)/python && -d var ]]; then $(BIN)/python -m demo.stop; else echo "Nothing is running."; fi

airflow: .venv/.synced ## run a command of Airflow's own in the studio (ARGS="dags list")
	@$(BIN)/python -m demo.command $(ARGS)

test: .venv/.synced ## run every test, the whole Airflow included (PROCESSES=4: with more than two processes)
	@PROCESSES=$(PROCESSES) tools/test

test-quick: .venv/.synced ## run the tests that need no Airflow and little time
	$(BIN)/python -m pytest -m "not slow and not e2e" tests/unit include/darkroom tests/contract/test_store.py tests/contract/test_folder.py -k "not moto and not radosgw and not gcs"

test-long: .venv/.synced ## run what `make test` leaves out: its scenarios on a second S3 that the contract suite holds to the same
	$(BIN)/python -m pytest -n $(PROCESSES) -m long

test-large: .venv/.synced ## stream 5 GiB from a folder to S3 and back (some minutes, 15 GiB of disk)
	DARKROOM_TEST_LARGE_MIB=5120 $(BIN)/python -m pytest -s tests/integration/test_store_commands.py -k large

lint: .venv/.synced ## check style, format and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

format: .venv/.synced ## put the code into the one format, and mend what ruff can mend
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

docs: .venv/.synced ## write the pages of docs/ anew that come from the code: commands, configuration, DAGs, the catalogue's schema, what it takes
	@$(BIN)/python -m tools.pages

bench: .venv/.synced .venv-aws/.synced ## measure Darkroom beside its peers, and write docs/benchmarks.md (BENCH=pictures, stores, pyramids, archive, sync, ingest, fitting_room, workers: only that)
	$(BIN)/python -m bench $(BENCH)

lock: .uv/.fetched-$(UV_VERSION) ## write the locks anew (UPGRADE=--upgrade: with newer versions)
	$(LOCK) $(UPGRADE) requirements.in pyproject.toml -o requirements.txt
	$(LOCK) $(UPGRADE) --extra demo requirements.in requirements-dev.in pyproject.toml -o requirements-dev.txt
	$(LOCK) -c requirements.txt pyproject.toml -o docker/imaging/requirements.txt
	$(LOCK) -c requirements-dev.txt docker/build-requirements.in -o docker/build-requirements.txt
	$(LOCK) $(UPGRADE) bench/aws-cli.in -o bench/aws-cli.txt

images: ## build the two images (IMAGING_BASE=..., AIRFLOW_BASE=...: on other bases; DOCKER_BUILD="docker build ...")
	$(DOCKER_BUILD) $(if $(IMAGING_BASE),--build-arg BASE_IMAGE=$(IMAGING_BASE)) -f docker/imaging/Dockerfile -t darkroom-imaging .
	$(DOCKER_BUILD) $(if $(AIRFLOW_BASE),--build-arg BASE_IMAGE=$(AIRFLOW_BASE)) -f docker/airflow/Dockerfile -t darkroom-airflow .

env: .env ## write .env for docker-compose.yaml, with random secrets

compose-up: .env ## start the studio in containers, on Celery workers, and say where it is (ARGS="--scale worker=3")
	@$(PYTHON) -m demo.compose_up $(COMPOSE_BUILD) $(ARGS)

compose-down: ## end what `make compose-up` started; the volumes, and so everything in them, stay
	@docker compose --profile cli --profile flower down

clean: stop ## stop everything and remove what make and the tests made: var/, the environments, caches
	rm -rf var .venv .venv-aws .uv .pytest_cache .ruff_cache .mypy_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.env:
	@$(PYTHON) -m demo.compose_env .env

.uv/.fetched-$(UV_VERSION):
	@tools/get-uv "$(PYTHON)" $(UV_VERSION)

.venv/.synced: requirements-dev.txt pyproject.toml .uv/.fetched-$(UV_VERSION)
	@[[ -x $(BIN)/python ]] || $(INSTALL) "An environment" $(UV) venv --python "$(PYTHON)" .venv
	@echo "Installing the packages of requirements-dev.txt into .venv (the first time takes a while) ..."
	@$(INSTALL) "The packages" $(UV) pip sync --python $(BIN)/python --require-hashes requirements-dev.txt
	@$(INSTALL) "Darkroom" $(UV) pip install --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

.venv-aws/.synced: bench/aws-cli.txt .uv/.fetched-$(UV_VERSION)
	@[[ -x .venv-aws/bin/python ]] || $(INSTALL) "An environment" $(UV) venv --python "$(PYTHON)" .venv-aws
	@$(INSTALL) "The AWS CLI" $(UV) pip sync --python .venv-aws/bin/python --require-hashes bench/aws-cli.txt
	@touch $@
