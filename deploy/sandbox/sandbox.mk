# The sandbox: real OpenStack pods on this machine. Settings (PODS, PODS_MODE, STATE, ...): deploy/sandbox/README.md
# `packets` takes what the Makefile around this and demo.mk define.
SANDBOX := $(dir $(lastword $(MAKEFILE_LIST)))

.PHONY: deps-sandbox pods-up pods-status pods-down pods-wipe pods-dataplane packets-up packets infra-up infra-down \
        sandbox-unit

deps-sandbox: ## install what the sandbox needs (apt, pip)
	$(SANDBOX)deps.sh

pods-up: ## start real OpenStack pods (PODS=2)
	$(SANDBOX)pods up

pods-status: ## each process of the sandbox; fails if one is dead
	$(SANDBOX)pods status

pods-down: ## stop the sandbox, keep its data
	$(SANDBOX)pods down

pods-wipe: ## stop the sandbox, remove its data
	$(SANDBOX)pods wipe

pods-dataplane: ## servers of two pods exchange packets, without Tricircle (pods-up with PODS_MODE=dataplane first)
	$(SANDBOX)pods dataplane

# Pods that were wired otherwise before start empty.
packets-up packets: export PODS_MODE := dataplane
packets-up: top-up ## start pods through which packets flow, and Tricircle

packets: packets-up ## servers of two pods exchange packets, through Tricircle
	$(ENVIRONMENT)
	TRICIRCLE_REQUIRE_PACKETS=1 $(CARGO) test $(WORKSPACE) --test packets

infra-up: ## start MariaDB and RabbitMQ only
	$(SANDBOX)pods infra-up

infra-down: ## stop them, unless pods use them
	$(SANDBOX)pods infra-down

sandbox-unit: ## unit tests of the sandbox's settings and process supervisor
	/usr/bin/python3 -B -m unittest discover $(SANDBOX)tests
