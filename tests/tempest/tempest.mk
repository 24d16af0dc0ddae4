# Tempest against Tricircle over the sandbox's pods. Settings (SERVICE, TESTS, ...): tests/tempest/README.md
# It needs sandbox.mk, demo.mk and the target `build`.
TEMPEST := $(dir $(lastword $(MAKEFILE_LIST)))

.PHONY: deps-tempest tempest tempest-quick tempest-unit

deps-tempest: deps-sandbox
	$(SANDBOX)deps.sh tempest

tempest: deps-tempest top-up ## Tempest's tests at the top and on a bare pod (SERVICE=compute|volume|network TESTS=regex)
	$(TEMPEST)run.py run

tempest-quick: deps-tempest top-up ## a selection of Tempest's tests at the top; every one has to pass
	$(TEMPEST)run.py quick

tempest-unit: ## unit tests of what runs and compares Tempest
	/usr/bin/python3 -B -m unittest discover $(TEMPEST)tests
