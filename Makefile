# make install | demo | test, or one part of the test; `make help` lists them.
PYTHON ?= python3
ENGINE ?= embedded
BIN := .venv/bin
PARTS := check unit contract property integration-embedded integration-processes integration-containers chart
.DEFAULT_GOAL := help
.PHONY: help install demo test expected docs release-schemas bench-ingress bench-poison bench-audit fault-matrix soak format lock image clean $(PARTS)

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 26

install: .venv/installed ## .venv with both console commands and all tools

.venv/installed: pyproject.toml deploy/requirements-dev.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r deploy/requirements-dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: install ## the main job from both doors to the rollup; ENGINE=real for Apache Kafka
	$(BIN)/canvas-bridge demo --engine $(ENGINE)

test: install ## every part below, one after the other, with the time each took
	@rm -f .venv/times
	@for part in $(PARTS); do \
	  began=$$(date +%s); printf '\n=== %s\n' "$$part"; $(MAKE) --no-print-directory $$part || exit 1; \
	  printf '%6d s  %s\n' $$(($$(date +%s) - began)) "$$part" >> .venv/times; \
	done; printf '\nEvery part passed:\n'; cat .venv/times

check: install ## style, types, import contracts, and the schemas against every released set
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/canvas-processors schemas check

unit: install ## stages and parts in memory
	$(BIN)/pytest tests/unit

contract: install ## every schema, every sample
	$(BIN)/pytest tests/contract

property: install ## laws, by hypothesis
	$(BIN)/pytest tests/property

integration-embedded: install ## on librdkafka's mock cluster: pip only
	$(BIN)/pytest tests/integration -m engine_embedded

integration-processes: install ## on Apache Kafka, Apicurio Registry and ElasticMQ as processes: pip only
	$(BIN)/pytest tests/integration -m engine_processes

integration-containers: install ## on containers: needs Docker, says so and skips without it
	$(BIN)/pytest tests/integration -m engine_containers

chart: install ## the Helm chart, rendered and validated
	$(BIN)/pytest tests/chart

expected: install ## the expected file beside every sample, anew; review the diff
	$(BIN)/python -m tests.samples

docs: install ## what is written for people: avro/pages, the tables in avro/README.md and deploy/security.md
	$(BIN)/canvas-processors schemas export --html avro/pages
	$(BIN)/python -m tests.catalogue_table
	$(BIN)/python -m tests.acls

release-schemas: install ## avro/released/VERSION.json, with what is new or changed; VERSION=1.4.0
	$(BIN)/canvas-processors schemas release $(VERSION)

bench-ingress: install ## both doors, each beside a bare one in one run, and memory under overload
	$(BIN)/python -m tests.bench.bench_webhook
	$(BIN)/python -m tests.bench.bench_sqs
	$(BIN)/python -m tests.bench.bench_overload

bench-poison: install ## what dead letters cost the worker, at shares from 0 to 100 %
	$(BIN)/python -m tests.bench.bench_poison

bench-audit: install ## seconds and memory of an audit of 1,000,000 events
	$(BIN)/python -m tests.bench.bench_audit

fault-matrix: install ## each fault of Kafka, keys, disk, SQS and doors under a steady load, and the sum after it
	$(BIN)/python -m tests.faults.matrix

SOAK_MINUTES ?= 15
SEED ?= 1
soak: install ## the whole chain under random faults; SOAK_MINUTES=15 SEED=1
	$(BIN)/python -m tests.faults.soak --minutes $(SOAK_MINUTES) --seed $(SEED)

format: install ## ruff's formatting and safe fixes
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

LOCK := $(BIN)/pip-compile --quiet --strip-extras --generate-hashes --allow-unsafe --no-header \
  --no-emit-index-url --no-emit-find-links --no-emit-trusted-host pyproject.toml
lock: install ## renews the hashed requirement files from pyproject.toml
	$(LOCK) --extra tracing -o deploy/requirements.txt
	$(LOCK) --constraint deploy/requirements.txt --only-build-deps --build-deps-for wheel -o deploy/requirements-build.txt
	$(LOCK) --constraint deploy/requirements.txt --extra dev --build-deps-for editable -o deploy/requirements-dev.txt

image: ## the container image, canvas-bridge:dev
	env -u DOCKER_BUILDKIT docker build --build-arg PYTHON_IMAGE -f deploy/Dockerfile -t canvas-bridge:dev .

clean: ## everything that was made
	rm -rf .venv .sandbox dist build
