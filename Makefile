# Everything a developer does, in verbs. `make help` lists them; `.ci/run` is `make test` on a fresh machine.
#
# All of Rust is built in one profile, with the features of the whole workspace and the locked versions, so that build,
# unit tests, functional tests and the demo share every artefact.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DEFAULT_GOAL := help

CARGO := cargo
WORKSPACE := --workspace --locked
export STATE ?= $(HOME)/.local/state/tricircle/sandbox
# The variables that the sandbox tells tests: where MariaDB, RabbitMQ and the real cloud are.
ENVIRONMENT = set -a; . "$(STATE)/env"; set +a

include deploy/sandbox/sandbox.mk
include deploy/demo/demo.mk

.PHONY: help deps build lint format unit functional chaos real bench test

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | sort | expand -t 16

deps: deps-sandbox ## install what is missing: Debian packages, OpenStack, crates, the toolchain's components
	@command -v rustup >/dev/null && rustup component add rustfmt clippy >/dev/null 2>&1 || true
	$(CARGO) fetch --locked

build: ## build all programs
	$(CARGO) build $(WORKSPACE)

format: ## format the source
	$(CARGO) fmt --all

lint: ## format, clippy, licences of what we use, systemd units
	$(CARGO) fmt --all --check
	$(CARGO) clippy $(WORKSPACE) --all-targets --quiet -- -D warnings
	.ci/licenses
	if command -v systemd-analyze >/dev/null; then deploy/systemd/verify; fi

unit: sandbox-unit ## tests that need nothing but this tree
	$(CARGO) test $(WORKSPACE) --lib --bins

functional: infra-up ## tests over HTTP on simulated pods, SQLite, MariaDB and RabbitMQ
	$(ENVIRONMENT); unset TRICIRCLE_REAL_CLOUD
	TRICIRCLE_REQUIRE_SERVICES=1 $(CARGO) test $(WORKSPACE) --test '*'

# MariaDB and RabbitMQ of its own: it kills them, and others may be using the sandbox's.
chaos: export STATE := $(dir $(STATE))chaos
chaos: export PORT_SHIFT := 7000
chaos: export DURABLE := 1
chaos: ## kill and stop everything by chance while users work (MINUTES=5 SEED=any PODS=10)
	$(CARGO) build $(WORKSPACE) --bins
	deploy/sandbox/pods infra-up >/dev/null
	trap 'deploy/sandbox/pods infra-down >/dev/null' EXIT
	$(ENVIRONMENT); unset TRICIRCLE_REAL_CLOUD
	TRICIRCLE_REQUIRE_SERVICES=1 LOGS="$$STATE/chaos-logs" target/debug/tricircle-chaos

real: top-up ## the same scenarios on real pods
	$(ENVIRONMENT)
	TRICIRCLE_REQUIRE_REAL_CLOUD=1 $(CARGO) test $(WORKSPACE) --test real --test real_faults --test conformance
	# What the crates compare with real pods, among them that the simulated pod answers as a real one does.
	$(CARGO) test $(WORKSPACE) --test all -- real

bench: ## what forwarding a call costs, beside nginx (release build, simulated pod)
	@command -v wrk nginx >/dev/null || (apt-get update -q && apt-get install -y -q --no-install-recommends wrk nginx-light)
	$(CARGO) build $(WORKSPACE) --release --bins
	tests/bench/forward.py target/release

# One after the other, also under `make -j`: each uses all of the machine.
test: ## lint, build, unit, functional, real, packets
	$(MAKE) deps
	$(MAKE) lint
	$(MAKE) build
	$(MAKE) unit
	$(MAKE) functional
	PODS_MODE=fake $(MAKE) real
	$(MAKE) packets
