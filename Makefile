# The recipes that people, hooks and CI use. `make` lists them.
.DEFAULT_GOAL := help
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
PYTEST := $(BIN)/pytest
# Each test's name, when it begins. What passed on this code before is not run again. A busy
# machine may take long: only what hangs is ended.
SLOW := -vv -p tests.resume -o console_output_style=count -o timeout=1800 --durations 25 -rfEs
# Two test processes more than processors keep them busy: tests also wait, for pages and processes.
PROCESSES ?= $(shell n=$$(getconf _NPROCESSORS_ONLN); echo $$((n < 7 ? n + 2 : 8)))
SIDE_BY_SIDE := -n $(PROCESSES) --dist loadfile

# An installation is updated when one of these files changes.
LOCKED := pyproject.toml uv.lock

# Without bytecode each process compiles all that it imports: up to four times the CPU time of a
# start. Python does not write it where PYTHONDONTWRITEBYTECODE is set, so that it is written here.
export UV_COMPILE_BYTECODE := 1
PACKAGES := contracts runtime broker records ingest inference_worker analytics serving api dashboard training moodline
COMPILE := $(BIN)/python -m compileall -q -j 0 $(PACKAGES)
# pytest compiles the tests itself, and keeps them for the next run.
WITH_BYTECODE := PYTHONDONTWRITEBYTECODE=
# As many test processes as processors: the threads of numpy's products would only wait for each other.
ONE_THREAD := OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

$(UV):
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(f"moodline needs Python 3.11 or later; this is {v[0]}.{v[1]}. Try: make PYTHON=python3.12" if v < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'uv>=0.8'

$(VENV)/.demo: $(UV) $(LOCKED)
	$(UV) sync --quiet --frozen --inexact --extra all
	@$(COMPILE)
	@touch $@

$(VENV)/.dev: $(UV) $(LOCKED)
	$(UV) sync --quiet --frozen --inexact --extra all --group dev
	@$(COMPILE)
	@touch $(VENV)/.demo $@

.PHONY: setup
setup: $(VENV)/.dev ## install everything but TensorFlow into .venv

.PHONY: demo
demo: ## render clips with scripted expressions, analyse them, compare, open the dashboard
	@$(MAKE) --no-print-directory timed-install
	@$(BIN)/moodline demo

.PHONY: timed-install
timed-install:
	@begin=$$(date +%s); $(MAKE) --no-print-directory $(VENV)/.demo && \
	echo "installed in $$(( $$(date +%s) - begin )) s"

.PHONY: test
test: $(VENV)/.dev ## check correctness, with a real broker and a real PostgreSQL
	@$(COMPILE)
	$(WITH_BYTECODE) $(ONE_THREAD) $(PYTEST) $(SIDE_BY_SIDE) --no-loadscope-reorder -m 'not slow' --durations 25

.PHONY: test-slow
test-slow: $(VENV)/.dev ## test kills, volume and soak, then all on PostgreSQL: hours; if it was ended, it continues
	@$(COMPILE)
	failed=0; \
	$(PYTEST) -m slow -n 0 $(SLOW) || failed=1; \
	$(PYTEST) -m 'not slow' $(SIDE_BY_SIDE) $(SLOW) --all-databases tests/integration || failed=1; \
	if [ $$failed = 0 ]; then rm .pytest_cache/passed-on-this-code.txt; fi; exit $$failed

.PHONY: bench
bench: $(VENV)/.dev ## run the benchmarks, the only lane that asserts time
	BENCH_ROUNDS=$${BENCH_ROUNDS:-1} BENCH_SECONDS=$${BENCH_SECONDS:-30} BENCH_MILLIONS=$${BENCH_MILLIONS:-0.25,1} \
	BENCH_INTERACTIONS=$${BENCH_INTERACTIONS:-60} BENCH_NOW_S=$${BENCH_NOW_S:-30} BENCH_EVENTS_S=$${BENCH_EVENTS_S:-30} \
	BENCH_STEP_S=$${BENCH_STEP_S:-8} BENCH_STEP_WARM_UP_S=$${BENCH_STEP_WARM_UP_S:-5} \
	BENCH_API_PARTS=$${BENCH_API_PARTS:-reads,validators,streams} $(BIN)/python -m benchmarks

.PHONY: lint
lint: $(VENV)/.dev ## run ruff, mypy --strict and the import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: fmt
fmt: $(VENV)/.dev ## format and fix what can be fixed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: train
train: $(UV) ## install TensorFlow for training/ (a gigabyte)
	$(UV) sync --frozen --inexact --extra all --extra train --group dev

.PHONY: clean
clean: ## remove the files that the other targets created
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis dist build benchmarks/.venv-fer
