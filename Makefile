# Virtwright's chores. `make` alone tells them.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
# Of an npm that is not the newest nothing is said between our own lines.
export NPM_CONFIG_UPDATE_NOTIFIER := false
# Built once per lockfile and set of tap plugins. A linked node_modules belongs to another checkout and is left as it is.
STAMP := node_modules/.virtwright-stamp

.PHONY: help setup packages peers modules runner build compile lint test demo demo-host demo-down recording bench bench-apiserver bench-libvirt-rpc bench-scale fuzz manifest

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

setup: packages peers ## install what the tests need (apt), build the test guest

packages:
	@test/peers/setup.sh packages

peers: packages
	@test/peers/setup.sh peers

modules:
	@want=$$(cat package-lock.json .taprc | sha256sum); \
	if [[ ! -L node_modules && $$(cat $(STAMP) 2>/dev/null) != "$$want" ]]; then \
	  npm ci --no-progress --no-audit --no-fund --loglevel=error >/dev/null || \
	    { echo 'npm could not fetch what package-lock.json names. Is there a network? Behind a proxy: npm config set proxy URL' >&2; exit 1; }; \
	  echo "$$want" > $(STAMP); \
	fi

# The test runner with the plugins that .taprc names.
runner: modules
	@if [[ ! -L node_modules && ! -e $(STAMP)-tap ]]; then npx --no-install tap build >/dev/null; touch $(STAMP)-tap; fi

# The runner's build writes types anew that the compiler reads: not side by side, whatever --jobs says.
build: runner ## compile to dist/
	@$(MAKE) compile

compile: modules
	@npx --no-install tsc -b
	@# tsc leaves what it once made from a source that is gone: a test that no longer exists would still run.
	@find dist -name '*.js' | while read -r made; do \
	  source=$${made#dist/}; [[ -e $${source%.js}.ts ]] || rm -f "$$made" "$$made.map"; \
	done

lint: modules ## check format and lint rules
	@npx --no-install biome check .

# An optional package of npm is built with a library that apt brings: packages come first, then all else side by side.
test: packages ## everything that must be true; TEST_JOBS files at a time (three for two processors)
	@$(MAKE) --jobs=4 peers build lint
	@if [[ -t 1 ]]; then node dist/test/all.js | npx --no-install tap -; else node dist/test/all.js; fi

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
