# The demo: Tricircle's services over the sandbox's pods, and the main job with the ordinary client.
# MODE=allinone: one process on SQLite without a broker. It needs sandbox.mk, and the target `build`.
DEMO := $(dir $(lastword $(MAKEFILE_LIST)))demo.py

.PHONY: demo demo-down demo-clean top-up top-down

demo: deps-sandbox build ## start pods and Tricircle, create servers in two pods on one network (MODE=services)
	$(DEMO) run

demo-down: ## stop Tricircle and the pods
	$(DEMO) down

demo-clean: ## remove what the demo created
	$(DEMO) clean

top-up: deps-sandbox build ## start pods and Tricircle, and create nothing
	$(DEMO) top-up

top-down: ## stop Tricircle, leave the pods
	$(DEMO) top-down
