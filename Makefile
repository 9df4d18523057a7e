# make install | demo | test, or one part of the test; `make help` lists them.
PYTHON ?= python3
ENGINE ?= embedded
BIN := .venv/bin
LANES ?= 2
# Most tests wait for others: so many run at a time, each lane with an engine of its own.
PYTEST := $(BIN)/pytest --numprocesses $(LANES) --dist loadgroup
PARTS := check unit contract property integration-embedded integration-processes integration-containers \
  integration-cluster chart
.DEFAULT_GOAL := help
.PHONY: help install demo test chart-release-check expected docs release-schemas bench-ingress \
  bench-poison bench-audit bench-capacity alerts-rehearsal fault-matrix soak format lock image image-twice sbom clean $(PARTS)

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

test: install ## every part below, one after the other, with the time each took; LANES=2 tests at a time
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
	$(PYTEST) tests/unit

contract: install ## every schema, every sample
	$(PYTEST) tests/contract

property: install ## laws, by hypothesis
	$(PYTEST) tests/property

integration-embedded: install ## on librdkafka's mock cluster: pip only
	$(PYTEST) tests/integration -m engine_embedded

integration-processes: install ## on Apache Kafka, Apicurio Registry and ElasticMQ as processes: pip only
	$(PYTEST) tests/integration -m engine_processes

integration-containers: install ## on containers: needs Docker, says so and skips without it
	$(PYTEST) tests/integration -m engine_containers

integration-cluster: install ## the image on three brokers with TLS and ACLs: needs Docker, says so and skips without it
	$(BIN)/pytest tests/integration -m cluster

chart: install ## the Helm chart, rendered and validated
	$(PYTEST) tests/chart

chart-release-check: install ## the chart under other Helms, a policy scan and a real API server; HELM=, CHECKOV=, CRDS=, KUBE=
	$(BIN)/pytest tests/release tests/chart/test_crds.py

expected: install ## the expected file beside every sample, anew; review the diff
	$(BIN)/python -m tests.samples

docs: install ## what is written from the code: avro/pages, tables of events, metrics, ACLs and values, dashboards
	$(BIN)/canvas-processors schemas export --html avro/pages
	$(BIN)/python -m tests.catalogue_table
	$(BIN)/python -m tests.metrics_table
	$(BIN)/python -m tests.acls
	$(BIN)/python -m tests.chart.values_table
	$(BIN)/python -m tests.dashboards

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

bench-capacity: install ## what deploy/capacity.md is reckoned from: bytes, CPU and memory per event
	$(BIN)/python -m tests.bench.bench_capacity

alerts-rehearsal: install ## faults really caused in the running product, and the seconds until each alert fires
	$(BIN)/pytest tests/integration/test_prometheus.py -m engine_processes -k alerts

fault-matrix: install ## each fault of Kafka, keys, disk, SQS and doors under a steady load, and the sum after it
	$(BIN)/python -m tests.faults.matrix

SOAK_MINUTES ?= 15
SOAK_EVENTS ?= 1000000
SEED ?= 1
soak: install ## the whole chain under random faults; SOAK_MINUTES=15 SOAK_EVENTS=1000000 SEED=1
	$(BIN)/python -m tests.faults.soak --minutes $(SOAK_MINUTES) --events $(SOAK_EVENTS) --seed $(SEED)

format: install ## ruff's formatting and safe fixes
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

LOCK := $(BIN)/pip-compile --quiet --strip-extras --generate-hashes --allow-unsafe --no-header \
  --no-emit-index-url --no-emit-find-links --no-emit-trusted-host
lock: install ## renews the hashed requirement files from pyproject.toml and deploy/requirements-sbom.in
	$(LOCK) pyproject.toml --extra tracing -o deploy/requirements.txt
	$(LOCK) pyproject.toml --constraint deploy/requirements.txt --only-build-deps --build-deps-for wheel -o deploy/requirements-build.txt
	$(LOCK) pyproject.toml --constraint deploy/requirements.txt --extra dev --build-deps-for editable -o deploy/requirements-dev.txt
	$(LOCK) deploy/requirements-sbom.in -o deploy/requirements-sbom.txt

# The commit's time for every file, so that the same commit makes the same layers.
EPOCH = $(or $(shell git log -1 --format=%ct 2>/dev/null),1580601600)
CREATED = $(or $(shell TZ=UTC git log -1 --date=format-local:%FT%TZ --format=%cd 2>/dev/null),2020-02-02T00:00:00Z)
REVISION = $(or $(shell git rev-parse HEAD 2>/dev/null),unknown)
SOURCE = $(or $(shell git config --get remote.origin.url),unknown)
BUILD = env -u DOCKER_BUILDKIT docker build --file deploy/Dockerfile --build-arg PYTHON_IMAGE \
  --build-arg SOURCE_DATE_EPOCH=$(EPOCH) --build-arg CREATED=$(CREATED) --build-arg REVISION=$(REVISION) \
  --build-arg SOURCE=$(SOURCE)
image: ## the container image, canvas-bridge:dev
	$(BUILD) --tag canvas-bridge:dev .

image-twice: ## two builds without the cache; fails where their layers differ
	$(BUILD) --quiet --no-cache --tag canvas-bridge:once .
	$(BUILD) --quiet --no-cache --tag canvas-bridge:twice .
	docker image inspect --format '{{json .RootFS.Layers}}' canvas-bridge:once canvas-bridge:twice | tee /dev/stderr | uniq | wc -l | grep -qx 1

sbom: image ## dist/sbom.cdx.json: what the image is made of (CycloneDX)
	@mkdir -p dist
	docker run --rm --network none canvas-bridge:dev cat /opt/canvas-bridge/share/canvas-bridge/sbom.cdx.json > dist/sbom.cdx.json

clean: ## everything that was made
	rm -rf .venv .sandbox dist build
