# The sandbox: real OpenStack pods on this machine. Settings (PODS, MECH, L3, STATE, ...): deploy/sandbox/README.md
SANDBOX := $(dir $(lastword $(MAKEFILE_LIST)))

.PHONY: deps-sandbox pods-up pods-status pods-down pods-wipe pods-dataplane infra-up infra-down sandbox-unit

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

pods-dataplane: ## servers of two pods exchange packets (pods-up with MECH=openvswitch first)
	$(SANDBOX)pods dataplane

infra-up: ## start MariaDB and RabbitMQ only
	$(SANDBOX)pods infra-up

infra-down: ## stop them, unless pods use them
	$(SANDBOX)pods infra-down

sandbox-unit: ## unit tests of the sandbox's process supervisor
	/usr/bin/python3 -B -m unittest discover $(SANDBOX)tests
