# `make help` lists what there is.
SHELL := /bin/sh
BIN := .venv/bin
UP := $(if $(FLEET),--fleet $(FLEET)) $(if $(DATA),--data $(DATA)) $(if $(WEBHOOK),--webhook $(WEBHOOK)) $(if $(HTTP),--http $(HTTP)) $(if $(GRPC),--grpc $(GRPC))

.DEFAULT_GOAL := help
.PHONY: display pictures promql-long help up test install dev engines check lint audit-code types imports proto-check docs-check dashboards-check format proto docs dashboards site packages wheel sbom wheelhouse lock bench samples figures test-faults test-install clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: install ## Run collector and agent here; FLEET=50 adds simulated hosts, WEBHOOK=URL pages there
	@exec $(BIN)/headroom up $(UP)

test: engines dev display ## Run all tests, installing first what they need
	$(BIN)/pytest $(ARGS)

test-faults: engines dev ## Hurt agent and collector in every way; LONG=1 for the long form
	$(if $(LONG),HEADROOM_FAULTS_SHORT=1000 HEADROOM_FAULTS_LONG=50 HEADROOM_FAULTS_POWER=200) $(BIN)/pytest tests/faults --timeout $(if $(LONG),36000,180) $(ARGS)

.PHONY: test-agent-long
test-agent-long: engines dev ## The agent's long tests: each hypervisor fault 20 times, then 100,000 cycles
	HEADROOM_REPEATS=20 $(BIN)/pytest -s tests/agent/test_hypervisor_faults.py tests/agent/samplers/test_libvirt_real.py $(ARGS)
	HEADROOM_GROWTH_CYCLES=100000 $(BIN)/pytest -s tests/agent/test_growth.py $(ARGS)

test-install: engines dev ## From fresh Debian 12 machines to a filled page, by the documents' commands alone
	$(BIN)/pytest tests/install --timeout 1800 $(ARGS)

install: ## Set up .venv to run Headroom
	@deploy/setup/venv.sh run

dev: ## Set up .venv to work on Headroom
	@deploy/setup/venv.sh dev

engines: ## Install the engines that the tests use (Debian's packages)
	@deploy/setup/engines.sh

check: lint audit-code types imports proto-check docs-check site dashboards-check ## Lint, types, imports, contract, docs, dashboards

lint: dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --quiet .

audit-code: dev ## Look for what is unsafe in the code (bandit; ruff's S rules are in lint)
	$(BIN)/bandit --quiet --configfile pyproject.toml --recursive agent collector core dashboards docs proto

types: dev
	$(BIN)/mypy
	$(BIN)/mypy tests

imports: dev
	$(BIN)/lint-imports

proto-check: dev ## The contract is clean, and its generated code in step
	cd proto && ../$(BIN)/buf lint
	@deploy/setup/venv.sh proto
	.venv-proto/bin/python proto/generate.py --check

docs-check: dev ## The generated reference pages are in step
	$(BIN)/python docs/generate.py --check

dashboards-check: dev ## The committed dashboards are in step
	$(BIN)/headroom dashboards generate --check
	$(BIN)/headroom dashboards generate --check --flavour influxql --out dashboards/generated/influxql
	$(BIN)/headroom dashboards rules --check

format: dev ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix-only .

proto: ## Regenerate the code from the contract
	@deploy/setup/venv.sh proto
	.venv-proto/bin/python proto/generate.py

docs: dev ## Regenerate the reference pages
	$(BIN)/python docs/generate.py

dashboards: dev ## Regenerate the dashboards
	$(BIN)/headroom dashboards generate
	$(BIN)/headroom dashboards generate --flavour influxql --out dashboards/generated/influxql
	$(BIN)/headroom dashboards rules

site: dev ## Build the documentation as a site, in build/site
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

packages: dev ## Build the Debian packages of agent and collector, in dist/
	@deploy/debian/build.sh dist

wheel: dev ## Build the wheel twice and compare; dist/ gets it
	@deploy/setup/wheel.sh "$(CURDIR)/$(BIN)/python" dist

sbom: dev ## Write the list of all libraries of a release (CycloneDX) to dist/
	@mkdir -p dist
	$(BIN)/cyclonedx-py requirements --output-reproducible --of JSON --pyproject pyproject.toml -o dist/headroom.cdx.json requirements.lock

wheelhouse: dev ## Collect all that an installation without a network needs, in dist/
	@deploy/setup/wheelhouse.sh dist

COMPILE = $(BIN)/pip-compile --quiet --strip-extras --generate-hashes --allow-unsafe --no-header --no-emit-index-url --no-emit-find-links
samples: dev ## Write the sample reports of docs/samples anew
	cd tests && ../$(BIN)/python -m rigs.sample_report ../docs/samples

lock: dev ## Bring the lock files up to date with pyproject.toml
	$(COMPILE) --extra collector --extra dashboards --extra apprise --extra influx --extra ipmi --extra report --extra build -o requirements.lock pyproject.toml
	$(COMPILE) -c requirements.lock -o requirements-agent.lock pyproject.toml
	$(COMPILE) --extra collector --extra dashboards --extra apprise --extra influx --extra ipmi --extra report --extra build --extra libvirt -o requirements-libvirt.lock pyproject.toml
	$(COMPILE) --extra collector --extra dashboards --extra apprise --extra influx --extra ipmi --extra report --extra build --extra libvirt --extra docs --extra fast --extra sheets --extra dev -c requirements.lock -o requirements-dev.lock pyproject.toml
	$(COMPILE) -o proto/requirements-gen.lock proto/requirements-gen.in

display: engines ## Bundle what draws the panels in the tests, from Grafana's own libraries
	@deploy/setup/display.sh

pictures: dev display ## Draw the pictures of docs/grafana.md anew
	HEADROOM_PICTURES=docs/images $(BIN)/pytest tests/dashboards/test_display.py

promql-long: dev engines ## 4,000 generated queries against Debian's Prometheus
	HEADROOM_PROMQL_QUERIES=4000 HEADROOM_PROMQL_SEED=2 $(BIN)/pytest tests/collector/promql/test_against_prometheus.py --timeout 3600

bench: install ## Run the benchmarks
	$(BIN)/headroom bench all

clean: ## Remove what the other targets made (no measured data)
	rm -rf .venv .venv-proto .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
