# Two commands are all a newcomer needs: make run, make test.
# Both install what the machine lacks (Debian or Ubuntu, root or sudo), say what and why, and work without
# a network once that is done.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help run test build bench generate clean

# Where the demo keeps its practice. An empty folder is a new practice.
DATA ?= $(or $(XDG_DATA_HOME),$(HOME)/.local/share)/postern-demo

ENV := source build/env.sh;

help:
	@echo 'make run       an invented clinic with its own mail system, in a window; in your browser where there is no display'
	@echo '               (DATA=folder keeps it elsewhere)'
	@echo 'make test      the whole gate: formatting, linters, freshness, races, fuzzing; the same at home and in CI'
	@echo 'make build     build/bin/postern'
	@echo 'make bench     the benchmarks, with what the machine is'
	@echo 'make generate  writes the generated files again: templates and static files of frontend/'
	@echo 'make clean     removes what was built; installed packages stay'

run:
	@build/install.sh run
	@$(MAKE) --no-print-directory build
	@exec build/bin/postern demo --data "$(DATA)"

test:
	@build/install.sh test
	@build/check.sh

build:
	@$(ENV) go build -tags "$$window" -o build/bin/postern .

bench:
	@build/install.sh bench
	@build/bench.sh

generate:
	@build/install.sh generate
	@build/generate.sh .

clean:
	@rm -rf build/bin build/cache frontend/node_modules
