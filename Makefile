# Everything a developer types; `make help` lists it. The environment makes and remakes itself from requirements/*.lock.
SHELL := /bin/sh
MAKEFLAGS += --no-builtin-rules --no-print-directory
.DEFAULT_GOAL := help
.PHONY: help run test check format bench chaos deploy-check lock clean

VENV := .venv/bin/python

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

run: .venv/run.stamp ## Start everything on this machine: Postgres, both services, an echo endpoint (API_PORT, API_HOST)
	@$(VENV) -m deploy.local

# Tests that measure punctuality are marked `alone`: nothing else may compete for the processors while they run.
test: .venv/dev.stamp ## All tests, with a real Postgres and a real RabbitMQ that it provides by itself
	@$(VENV) -m tests.servers
	@$(VENV) -m pytest -n 3 --dist loadfile --no-loadscope-reorder -m "not alone"; code=$$?; $(VENV) -m pytest -m alone tests/acceptance tests/failure && exit $$code

check: .venv/dev.stamp ## Format, lint, types, rooms, dependencies, dead code, Dockerfile and compose file
	$(call step,format,$(VENV) -m ruff format --check .)
	$(call step,lint,$(VENV) -m ruff check .)
	$(call step,types,$(VENV) -m mypy)
	$(call step,rooms,.venv/bin/lint-imports)
	$(call step,deps,$(VENV) -m deptry .)
	$(call step,unused,$(VENV) -m vulture)
	$(call step,image,.venv/bin/hadolint deploy/docker/Dockerfile)
	$(call step,compose,.venv/bin/check-jsonschema --builtin-schema vendor.compose-spec deploy/compose.yaml)

# One line a step that holds; everything it says where it does not.
step = @printf '%-7s ' $(1); said=$$($(2) 2>&1) && echo ok || { echo FAILED; printf '%s\n' "$$said"; exit 1; }

format: .venv/dev.stamp ## Format the code and mend what ruff can mend
	@$(VENV) -m ruff check --fix --quiet . ; $(VENV) -m ruff format .

bench: .venv/dev.stamp ## Measure what the product promises beside what bare parts do here, in 7 to 8 minutes; bench.json
	@$(VENV) -m tests.servers
	@$(VENV) -m tests.bench

chaos: .venv/dev.stamp ## Two minutes of faults under load, then judgement (CHAOS_SECONDS, CHAOS_SEED)
	@$(VENV) -m tests.servers
	@$(VENV) -m tests.chaos

deploy-check: .venv/dev.stamp ## Render every overlay of deploy/kubernetes, validate each manifest, and hold it to what it claims
	@$(VENV) -m pytest --verbose --no-header --tb=short tests/deploy/test_manifests*.py

lock: .venv/dev.stamp ## Resolve requirements/*.lock anew from pyproject.toml
	@deploy/venv.sh lock

clean: ## Remove the environment and all caches; .local, the data of make run, stays
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .scratch node_modules build dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The interpreter is a link to the one it was made with: where that one was replaced or is gone, all of this is redone.
.venv/bin/python:
	@deploy/venv.sh make

.venv/run.stamp: requirements/run.lock .venv/bin/python
	@deploy/venv.sh install requirements/run.lock
	@touch $@

.venv/dev.stamp: requirements/dev.lock .venv/bin/python
	@deploy/venv.sh install requirements/dev.lock
	@touch .venv/run.stamp $@
