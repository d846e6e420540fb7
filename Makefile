# make run    run the demo: real incidents through a real Kafka
# make test   run the full test suite
# make help   list all targets

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
PYTHON ?= python3
UV_VERSION := 0.13.9
UV := .uv/bin/uv
export UV_PYTHON_DOWNLOADS := never
# Use the system's certificates: behind a proxy the package index has its own certificate.
export UV_SYSTEM_CERTS := 1
# Always use this checkout's environment, whatever else is active.
export VIRTUAL_ENV :=

.DEFAULT_GOAL := help

.PHONY: help
help: ## List the make targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 22

.PHONY: run
run: setup ## Run the demo: real incidents through a real Kafka and a tracker, in a minute
	@.venv/bin/sla demo

.PHONY: setup
setup: .venv/.compiled ## Install everything into this checkout: .venv/bin/sla

$(UV):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or later is needed; set PYTHON=/path/to/it" >&2; exit 1; }
	@echo "installing uv $(UV_VERSION)"
	@$(PYTHON) -m venv .uv
	@.uv/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

.venv/.ready: $(UV) pyproject.toml uv.lock services/sla_kafka/embedded_jars/jgo.lock.toml
	@$(UV) sync --locked --all-extras --python $(PYTHON)
	@.venv/bin/sla kafka --prepare
	@touch $@

# With a C compiler and Python's headers the rules are compiled; otherwise the sources run.
.venv/.compiled: .venv/.ready deploy/wheel/compile $(wildcard services/sla_domain/*.py services/sla_engine/*.py services/sla_engine/wire/*.py)
	@if command -v $${CC:-cc} >/dev/null && test -e "$$(.venv/bin/python -c \
	  'import sysconfig; print(sysconfig.get_path("include"))')/Python.h"; then \
	  echo "compiling the rules (30 seconds)"; deploy/wheel/compile .venv/bin/python; \
	else echo "no C compiler or Python.h found: the rules run uncompiled, at half the speed"; fi
	@touch $@

.PHONY: interpreted
interpreted: ## Remove the compiled rules until they next change, to debug or measure coverage
	@deploy/wheel/uncompile

.PHONY: test
test: setup lint debian ## Run the full test suite: lint, types, layers, tests with a real Kafka
	@export PYTHONHASHSEED=$${PYTHONHASHSEED:-$$((RANDOM * 32768 + RANDOM))}; \
	  .venv/bin/pytest -n 3 --dist loadfile --no-loadscope-reorder --durations 15

.PHONY: debian
debian: .debian/.ready ## Download the browser, Prometheus and Alertmanager for the tests into this checkout

.debian/.ready: tests/debian/packages tests/debian/fetch
	@rm -rf .debian
	@tests/debian/fetch tests/debian/packages .debian
	@mkdir -p .debian && touch $@

.PHONY: lint
lint: setup ## Check style, types and layers
	@.venv/bin/ruff check
	@.venv/bin/ruff format --check
	@.venv/bin/mypy
	@.venv/bin/lint-imports --no-cache

.PHONY: format
format: setup ## Format the code
	@.venv/bin/ruff check --fix-only
	@.venv/bin/ruff format

.PHONY: schemas
schemas: setup ## Generate the published schemas from the models
	@.venv/bin/python schemas/generate.py

.PHONY: whole-log
whole-log: setup ## Simulate and replay all 141,712 rows of LOG and compare the alerts byte for byte
	@test -n "$${LOG:-}" || { echo "set LOG: make whole-log LOG=uci-incident-event-log.csv.gz" >&2; exit 2; }
	@.venv/bin/python benchmarks/whole_log.py "$$LOG"

.PHONY: picture
picture: setup debian ## Retake the screenshots of README and docs
	@.venv/bin/sla demo --seconds 20 --no-stay --picture docs/demo.svg
	@PYTHONPATH=tests .venv/bin/python docs/screenshots.py

.PHONY: deploy
deploy: setup ## Generate the parts of deploy/ derived from the code: topics, users, rules, dashboards
	@.venv/bin/python deploy/generate.py
	@.venv/bin/python deploy/grafana/dashboards.py

.PHONY: docs
docs: setup ## Generate the parts of docs/ derived from the code and from measurements
	@.venv/bin/python docs/generate.py

.PHONY: site
site: setup ## Build the documentation site into site/
	@NO_MKDOCS_2_WARNING=1 .venv/bin/mkdocs build --strict --quiet

.PHONY: sbom
sbom: setup ## Write a CycloneDX bill of materials for the programs to dist/sbom.json
	@mkdir -p dist
	@UV_PROJECT_ENVIRONMENT=dist/programs $(UV) sync --quiet --locked --no-dev --extra tracing
	@.venv/bin/cyclonedx-py environment --pyproject pyproject.toml --of JSON -o dist/sbom.json dist/programs
	@rm -rf dist/programs
	@echo "dist/sbom.json"

.PHONY: audit
audit: setup ## Check the lock file for known vulnerabilities; fails on any without a dated exception
	@$(UV) export --locked --all-extras --all-groups --no-emit-project --format requirements-txt --quiet > .requirements.txt
	@.venv/bin/python .ci/audit.py .requirements.txt; status=$$?; rm -f .requirements.txt; exit $$status

.PHONY: simulate
simulate: setup ## Run SEEDS simulations of crashes, zombies and lost responses (200000)
	@cd tests && ../.venv/bin/python -m support.simulated_world $${SEEDS:-200000}

.PHONY: attacked
attacked: setup ## Attack all programs at once for three minutes and measure the effect on their neighbours
	@cd tests && ../.venv/bin/python -m attacked $${ATTACKED:-}

.PHONY: chaos
chaos: setup ## Kill and freeze trackers and brokers for 30 minutes; CHAOS="--nodes 3 --seed 2 ..."
	@cd tests && ../.venv/bin/python -m chaos --events 1150000 $${CHAOS:-}

.PHONY: fuzz
fuzz: setup ## Feed RECORDS mutated records (1000000) to the rules and check that each is accounted for
	@cd tests && ../.venv/bin/python -m fuzz --records $${RECORDS:-1000000}

.PHONY: fuzz-coverage
fuzz-coverage: setup ## The same, guided by coverage, for FOR seconds (300); Linux on x86-64 only
	@deploy/wheel/uncompile
	@cp -r tests/fuzz/corpus .fuzz-corpus && cp schemas/examples/ticket.*.json .fuzz-corpus
	@cd tests && ../$(UV) run --no-sync --with atheris==3.0.0 python -m fuzz.coverage_guided \
	  -max_total_time=$${FOR:-300} -timeout=5 -max_len=8192 ../.fuzz-corpus

.PHONY: fuzz-http
fuzz-http: setup ## Send REQUESTS generated deliveries, API calls and raw bytes (20000 each) to the programs
	@SLA_FUZZ_EXAMPLES=$${REQUESTS:-20000} .venv/bin/pytest -q -p no:cacheprovider \
	  tests/hostile/test_vendor_bodies.py tests/hostile/test_openapi.py tests/hostile/test_raw_bytes.py

.PHONY: bench
bench: setup peers debian .debian-bench/root/usr/bin/wrk ## Benchmark everything against its peers, 30 minutes; ONLY="throughput start", QUICK=1
	@PYTHONPATH=tests .venv/bin/python benchmarks/bench.py $${ONLY:-} $${QUICK:+--quick}
	@test -n "$${QUICK:-}" || .venv/bin/python docs/generate.py

.PHONY: peers
peers: setup .peers/.ready ## Install the benchmark peers: Quix Streams and Kafka Streams

.peers/.ready: benchmarks/peers/requirements.txt benchmarks/peers/kafka-streams/pom.xml $(wildcard benchmarks/peers/kafka-streams/src/main/java/peer/*.java)
	@$(UV) venv --quiet --clear --python $(PYTHON) .peers
	@$(UV) pip install --quiet --python .peers/bin/python -r benchmarks/peers/requirements.txt
	@if command -v mvn >/dev/null && command -v java >/dev/null; then \
	  mvn --quiet --batch-mode --file benchmarks/peers/kafka-streams package; \
	else echo "no JDK 17 with Maven found: Kafka Streams is skipped"; fi
	@touch $@

.PHONY: board-bench
board-bench: setup debian ## Measure the board with TICKETS open tickets (200000)
	@PYTHONPATH=tests .venv/bin/python benchmarks/bench.py board:tickets=$${TICKETS:-200000}

.PHONY: intake-bench
intake-bench: setup .debian-bench/root/usr/bin/wrk ## Measure how many deliveries per second the intake accepts
	@.venv/bin/python benchmarks/bench.py intake

.debian-bench/root/usr/bin/wrk: benchmarks/debian-packages tests/debian/fetch
	@rm -rf .debian-bench
	@tests/debian/fetch benchmarks/debian-packages .debian-bench
	@test -e $@ && touch $@

.PHONY: memory
memory: setup ## Measure a tracker's memory over EVENTS events (10000000) of tickets that open and close
	@.venv/bin/python benchmarks/bench.py memory:events=$${EVENTS:-10000000}

.PHONY: kafka-lock
kafka-lock: setup ## Lock the jars of the embedded Kafka again after a change of jgo.toml
	@cd services/sla_kafka/embedded_jars && $(CURDIR)/$(UV) tool run --from 'jgo[cli]' jgo lock

.PHONY: clean
clean: ## Remove everything that setup and tests created
	@deploy/wheel/uncompile
	@rm -rf .venv .uv .debian .debian-bench .fuzz-corpus .peers benchmarks/peers/kafka-streams/target site .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist
