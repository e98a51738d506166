# Two commands: `make demo` and `make test`. Both set up what they need, in this folder.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 4  # Of two cores: tests of real processes wait a good deal.
unexport PYTHONDONTWRITEBYTECODE  # Tests start many processes: what is compiled is kept.

# $(STEP) "name" command: says what goes on and for how long; a terminal sees the seconds pass. What the command prints may be
# sent elsewhere, so the names have a line of their own, 3. The clock ends with its shell, which Ctrl-C ends.
STEP = exec 3>&2; step() { name=$$1; shift; begun=$$(date +%s); clock=; \
	if [ -t 3 ]; then while kill -0 $$$$ 2>/dev/null; do printf '\r%s: %s s ' "$$name" $$(($$(date +%s) - begun)) >&3; sleep 1; done & clock=$$!; \
	else echo "$$name ..." >&3; fi; \
	code=0; "$$@" || code=$$?; \
	if [ -n "$$clock" ]; then kill $$clock 2>/dev/null; wait $$clock 2>/dev/null; printf '\r' >&3; fi; \
	if [ $$code -eq 0 ]; then end=done; else end=failed; fi; \
	echo "$$name: $$end after $$(($$(date +%s) - begun)) s" >&3; return $$code; }; step

.PHONY: setup ready demo demo-devops demo-messaging demo-production demo-provisioning demo-retraining up up-demo test proofs coverage chaos check site load bench bench-peers clean

# Two at once in one folder would write over each other's packages: the second waits, and then finds all ready. Where there
# is no flock (it is of util-linux, which Debian always has), nobody waits.
LOCK := $(if $(shell sh -c 'command -v flock'),.setup.lock)
setup:
	@$(if $(LOCK),flock --nonblock $(LOCK) true || echo "make setup is at work in this folder: waiting for it" >&2)
	@+$(if $(LOCK),flock $(LOCK)) $(MAKE) --no-print-directory ready

ready: $(VENV)/.ready node_modules/.ready
	@:  # Else make says that there was nothing to do.

$(VENV)/.ready: requirements.in requirements-local.in pyproject.toml setup.py constraints.txt verifier/pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=python3.12"; exit 1; }
	@test -x $(BIN)/python || { $(STEP) "Python environment" $(PYTHON) -m venv $(VENV); }
	@$(STEP) "pip" $(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25'
	@$(STEP) "Python packages, a minute or two" $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]' --editable ./verifier
	@$(STEP) "Service Bus emulator, built here" $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[service-bus]' \
		>$(VENV)/service-bus.log 2>&1 \
		|| echo "The Service Bus emulator is left out: Qpid Proton needs a C compiler and Python's headers (on Debian build-essential and python3-dev); see $(VENV)/service-bus.log"
	@touch $@

node_modules/.ready: package.json package-lock.json
	@command -v npm >/dev/null || { echo "Node.js 20 or newer with npm is needed for Azurite"; exit 1; }
	@$(STEP) "Azurite" npm ci --silent
	@touch $@

demo: setup  ## A file lands, its predictions come back, and each one is verified.
	@$(BIN)/signalbox demo

demo-devops: setup  ## A pipeline of Azure DevOps is gated on a promotion; approvals count in both systems.
	@$(BIN)/signalbox demo --devops

demo-messaging: setup  ## The Data Hub asks a model by messages and streams records to it; the answers are verified.
	@$(BIN)/signalbox demo --messaging

demo-production: setup  ## Versions are released and rolled back under load; every request is accounted for.
	@$(BIN)/signalbox demo --production

demo-provisioning: setup  ## A request in ServiceNow becomes environments in two steps; what is changed by hand is found.
	@$(BIN)/signalbox demo --provisioning

demo-retraining: setup  ## The world moves; the model is trained anew with nobody touching it, and only a better one serves.
	@$(BIN)/signalbox demo --retraining

up: setup  ## The local cloud and the app, until Ctrl-C.
	@$(BIN)/signalbox up

up-demo: setup  ## The local cloud of `make demo` again, until Ctrl-C: its promotions, runs and evidence, to look at in a browser.
	@$(BIN)/signalbox up --demo

test proofs coverage chaos soak: export OPENBLAS_NUM_THREADS = 1  # Tests fill the cores; NumPy's threads would only spin beside them.

test: driver  ## All tests; long proofs in their short form.
	@$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadgroup --no-loadscope-reorder

proofs: driver  ## The long proofs whole: simulations, properties with more examples, every removed lock, every failing move.
	@SIGNALBOX_PROOFS=1 $(BIN)/python -m pytest -m "long or proof or hypothesis" \
		--numprocesses $(WORKERS) --dist loadgroup --no-loadscope-reorder

coverage: driver  ## All tests again, with every line and branch counted, in the local cloud's processes too: twice the time.
	@$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadgroup --no-loadscope-reorder --cov --cov-report=term:skip-covered

chaos: setup  ## The full storms: 500 kills of the host and its workers, 1,000 files with bad events, 50 kills among 20 files, every step of retraining, every move of a promotion refused, 10,000 messages, a log of 60,000 lines.
	@SIGNALBOX_PROOFS=1 SIGNALBOX_STORM_FILES=1000 SIGNALBOX_KILLED_FILES=20 SIGNALBOX_KILLS=50 SIGNALBOX_CHAOS_LOOP=1 SIGNALBOX_SAGA=1 $(BIN)/python -m pytest tests/onemachine -v
	@SIGNALBOX_PROOFS=1 SIGNALBOX_HOST_KILLS=500 $(BIN)/python -m pytest tests/host/test_kills.py tests/host/test_soak.py -v
	@SIGNALBOX_EXAMPLES=4 $(BIN)/python -m pytest tests/retraining/test_storm.py -v
	@SIGNALBOX_CHAOS_MESSAGES=10000 $(BIN)/python -m pytest tests/messaging/test_kills.py tests/messaging/test_records.py -v
	@SIGNALBOX_FULL_LOGS=1 $(BIN)/python -m pytest tests/emulators/test_storage.py -k fifty_thousand -v

.PHONY: soak
MINUTES ?= 30
soak: setup  ## MINUTES of mixed work at a modest rate, while the host and its workers are killed: nothing lost, doubled or left behind.
	@SIGNALBOX_SOAK_MINUTES=$(MINUTES) $(BIN)/python -m pytest tests/host/test_soak.py -v

# The driver of the tests in a browser, where there is a browser: 45 MB to fetch and 165 MB on the disk, which `make demo`
# does without. It drives the Chromium of the system, and downloads none.
CHROMIUM := $(shell sh -c 'command -v chromium || command -v chromium-browser || command -v google-chrome')
$(VENV)/.browser: $(VENV)/.ready
	@$(STEP) "Driver of the browser tests" $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[browser]'
	@touch $@

.PHONY: driver
driver: setup
	@+$(if $(CHROMIUM),$(if $(LOCK),flock $(LOCK)) $(MAKE) --no-print-directory $(VENV)/.browser,:)

.PHONY: browser
browser: driver  ## The console in the system's Chromium: every story by keyboard and by mouse, and axe-core on every page in every state.
	@test -n "$(CHROMIUM)" || { echo "There is no Chromium on this machine: on Debian, apt-get install chromium"; exit 1; }
	@SIGNALBOX_BROWSER=1 SIGNALBOX_PROOFS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest tests/browser -v \
		--numprocesses $(WORKERS) --dist loadgroup --no-loadscope-reorder

.PHONY: screenshots
screenshots: driver  ## The pictures of docs/console.md, taken of the running console in what `make demo` has left in this folder.
	@$(BIN)/python -m website.screenshots

.PHONY: tour
tour: setup  ## The runbook of docs/operations.md, with the full disk, which takes three minutes.
	@SIGNALBOX_TOUR=1 $(BIN)/python -m pytest tests/onemachine/test_tour.py -v

.PHONY: fuzz
fuzz: setup  ## Damaged files, 2,000 of each format; and what the API's document allows and forbids, sent by schemathesis as every person: about half an hour.
	@SIGNALBOX_FUZZ_FILES=$${SIGNALBOX_FUZZ_FILES:-2000} $(BIN)/python -m pytest tests/unit/data/test_damaged.py -v
	@SIGNALBOX_FUZZ_EXAMPLES=$${SIGNALBOX_FUZZ_EXAMPLES:-50} $(BIN)/python -m pytest tests/onemachine/test_fuzz.py -s -v

check: setup  ## Format, lint, types, imports, generated files, the infrastructure, recorded histories, and the documentation site.
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m shared.config.schema | cmp - signalbox.schema.json || { echo "run make documents"; exit 1; }
	@$(BIN)/python -m shared.config.schema team | cmp - docs/team.schema.json || { echo "run make documents"; exit 1; }
	@$(BIN)/python -m shared.config.contract_schema | cmp - docs/data-contract.schema.json || { echo "run make documents"; exit 1; }
	@$(BIN)/python -m shared.operations.statement_schema | cmp - docs/statements.schema.json || { echo "run make documents"; exit 1; }
	@$(BIN)/python -m shared.operations.infrastructure | cmp - infra/generated/signalbox.json || { echo "run make documents"; exit 1; }
	@$(BIN)/python -m infra.check
	@$(BIN)/python -m triggers.http.openapi | cmp - docs/openapi.json || { echo "run make documents"; exit 1; }
	@$(BIN)/python -m pytest -q --no-header --no-summary tests/architecture/test_lock.py >/dev/null || { echo "requirements.txt is not of requirements.in and constraints.txt: run make lock"; exit 1; }
	@$(BIN)/python -m pytest -q --no-header --no-summary tests/replay >/dev/null || { echo "a recorded history does not end as it did: run pytest tests/replay"; exit 1; }
	@$(BIN)/python -m website

site: setup  ## The documentation site, in site/: every link, anchor and address is checked. Nothing is fetched.
	@$(BIN)/python -m website

.PHONY: wheel
wheel: setup  ## The wheel that `pip install` takes, with the app inside, in dist/.
	@$(BIN)/uv build --quiet --no-build-isolation --python $(BIN)/python --out-dir dist

.PHONY: lock
lock: setup  ## Make requirements.txt, which Azure installs, of requirements.in in the versions of constraints.txt, with hashes.
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		--constraint constraints.txt --output-file requirements.txt requirements.in
	@{ echo "# Made by \`make lock\`, never by hand: docs/decisions/0014-one-lock.md"; \
		echo "# Of sha256:$$(cat requirements.in constraints.txt | sha256sum | cut -d ' ' -f 1)"; cat requirements.txt; } >requirements.new
	@mv requirements.new requirements.txt

.PHONY: documents
documents: setup  ## Write the generated files anew: the configuration's schema, the API's document, the roles, the infrastructure's data, what a team's repository begins with, the picture of the imports.
	@$(BIN)/python -m shared.config.schema >signalbox.schema.json
	@$(BIN)/python -m shared.config.schema team >docs/team.schema.json
	@$(BIN)/python -m shared.config.contract_schema >docs/data-contract.schema.json
	@$(BIN)/python -m shared.operations.statement_schema >docs/statements.schema.json
	@$(BIN)/python -m triggers.http.openapi >docs/openapi.json
	@$(BIN)/python -m shared.operations.roles >docs/roles.md
	@$(BIN)/python -m shared.operations.infrastructure >infra/generated/signalbox.json
	@$(BIN)/python -m signalbox.projects.starting >shared/adapters/azure_devops/starting_project.json
	@PYTHONPATH=. $(BIN)/python tests/architecture/import_picture.py >docs/imports.md
	@$(BIN)/python -m tests.emulators.documented.page
	@$(BIN)/python -m tests.service_bus.administration_rows
	@$(BIN)/python -m tests.conformance.table docs/host.md

load: setup  ## 3,000 orchestrations started over HTTP in a minute, none lost, checks answered meanwhile.
	@$(BIN)/python bench/load.py

bench: setup  ## Every benchmark beside its peer; docs/benchmarks.md keeps the figures.
	@$(BIN)/python bench/cold_start.py
	@$(BIN)/python bench/orchestrations.py
	@$(BIN)/python bench/chains.py
	@$(BIN)/python bench/starts.py
	@$(BIN)/python bench/workers.py
	@$(BIN)/python bench/scale.py
	@$(BIN)/python bench/data_check.py
	@$(BIN)/python bench/paired_bootstrap.py
	@$(BIN)/python bench/gate_statistics.py
	@$(BIN)/python bench/copy_bundle.py
	@$(BIN)/python bench/holdout.py
	@$(BIN)/python bench/drift_statistics.py
	@$(BIN)/python bench/drift_promises.py
	@$(BIN)/python bench/rollout_statistics.py
	@$(BIN)/python bench/schedules.py
	@$(BIN)/python bench/check_answers.py
	@$(BIN)/python bench/signing.py
	@$(BIN)/python bench/audit_log.py

.PHONY: proof-worker
WORKER_PYTHON ?= python3.13
proof-worker: setup  ## Microsoft's own worker library behind our host: the conformance suite, and the package as it is deployed with scenes of the demonstrations; needs Python 3.13, and about 1 GB for a moment.
	@test -f .venv-worker/.ready || { $(WORKER_PYTHON) -m venv .venv-worker && .venv-worker/bin/pip install --quiet 'azure-functions-runtime>=1.3,<2' 'azure-functions-durable>=1.7,<2' 'azurefunctions-extensions-http-fastapi>=1,<2' && touch .venv-worker/.ready; }
	@SIGNALBOX_WORKER_PYTHON=$(CURDIR)/.venv-worker/bin/python $(BIN)/python -m pytest tests/conformance tests/host/test_library_worker.py -q
	@SIGNALBOX_WORKER_PYTHON=$(CURDIR)/.venv-worker/bin/python SIGNALBOX_PROOFS=1 $(BIN)/python -m pytest tests/infra/test_worker.py -q

.PHONY: proof-model-signing
proof-model-signing: setup  ## sigstore's model_signing accepts the model's signature and finds every change; in an environment of its own (about 100 MB).
	@test -x .venv-model-signing/bin/model_signing || { $(PYTHON) -m venv .venv-model-signing && .venv-model-signing/bin/pip install --quiet 'model-signing==1.1.1' 'pyopenssl<27'; }
	@SIGNALBOX_MODEL_SIGNING=$(CURDIR)/.venv-model-signing/bin/model_signing $(BIN)/python -m pytest tests/trust/test_model_signing.py -q

bench-peers: setup  ## The host beside other engines (Python 3.13), and the drift detector beside evidently, each in an environment of its own (about 2 GB).
	@$(BIN)/python bench/peers.py
	@$(BIN)/python bench/drift_peer.py

clean:
	rm -rf build dist site $(VENV) .venv-model-signing .venv-worker node_modules .signalbox .mypy_cache .ruff_cache .pytest_cache .hypothesis .setup.lock
