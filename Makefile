# Virtwright's chores. `make` alone tells them.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
# Built once per lockfile and set of tap plugins. A linked node_modules belongs to another checkout and is left as it is.
STAMP := node_modules/.virtwright-stamp

.PHONY: help setup modules runner build compile lint test demo demo-host demo-down recording bench bench-apiserver bench-libvirt-rpc bench-scale fuzz manifest

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

setup: ## install what the tests need (apt), build the test guest
	@test/peers/setup.sh

modules:
	@want=$$(cat package-lock.json .taprc | sha256sum); \
	if [[ ! -L node_modules && $$(cat $(STAMP) 2>/dev/null) != "$$want" ]]; then \
	  NPM_CONFIG_UPDATE_NOTIFIER=false npm ci --no-progress --no-audit --no-fund --loglevel=error >/dev/null || \
	    { echo 'npm could not fetch what package-lock.json names. Is there a network? Behind a proxy: npm config set proxy URL' >&2; exit 1; }; \
	  echo "$$want" > $(STAMP); \
	fi

# The test runner with the plugins that .taprc names.
runner: modules
	@if [[ ! -L node_modules && ! -e $(STAMP)-tap ]]; then npx --no-install tap build >/dev/null; touch $(STAMP)-tap; fi

build: compile runner ## compile to dist/

compile: modules
	@npx --no-install tsc -b
	@# tsc leaves what it once made from a source that is gone: a test that no longer exists would still run.
	@find dist -name '*.js' | while read -r made; do \
	  source=$${made#dist/}; [[ -e $${source%.js}.ts ]] || rm -f "$$made" "$$made.map"; \
	done

lint: modules ## check format and lint rules
	@npx --no-install biome check .

test: setup build lint ## everything that must be true
	@shopt -s globstar nullglob; tests=(dist/**/*.test.js); \
	[[ $${#tests[@]} -gt 0 ]] || { echo 'no tests were found in dist/' >&2; exit 1; }; \
	npx --no-install tap "$${tests[@]}"

fuzz: build ## hostile bytes for what reads a host's answers, for FUZZ_SECONDS (60); what finds new ways is kept
	@node dist/test/fuzz/main.js

demo: ## a machine of your own, from nothing, on this host
	@demo/prepare.sh say
	@$(MAKE) --jobs=2 demo-host compile
	@demo/up.sh

demo-host:
	@demo/prepare.sh do

demo-down: ## take the demo away again
	@demo/down.sh

recording: ## with the demo up, what README.md shows of it
	@demo/record.sh

bench: build ## how long from apply to ready, ours and libvirt's own client
	@node dist/bench/apply-to-ready/main.js

bench-apiserver: build ## the embedded API server against kube-apiserver and etcd
	@node dist/bench/apiserver/main.js

bench-libvirt-rpc: setup build ## our client of libvirt's protocol against libvirt's own
	@node dist/bench/libvirt-rpc/main.js

bench-scale: build ## many machines on many fake hosts; with SCALE=full 10,000 on 500
	@node dist/bench/scale/main.js

manifest: ## write manifests/install.yaml anew, from the chart
	@charts/render.sh
