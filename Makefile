# The targets for people who cloned the repository; `make help` lists them.
#
#   VENV    the environment to create or, if it exists already, to use
#   PYTHON  the Python (3.10 to 3.13) that a new environment is made with

VENV ?= .venv
PYTHON ?= python3

RUN := $(VENV)/bin/python
# one test process per core, each of one thread: two that share cores slow each other down
PARALLEL := -n auto --dist worksteal
test test-slow test-faults: export OMP_NUM_THREADS := 1
STAMP := $(VENV)/.mtlplugins-installed

.PHONY: help venv demo docs test test-slow test-browser test-faults test-compat test-trackers test-remote-shards test-devkits golden soak lint clean
.DEFAULT_GOAL := help

help:
	@echo "make venv       create $(VENV) and install everything, pinned (VENV=DIR, PYTHON=python3.11)"
	@echo "make demo       train, test and predict on images rendered on the fly"
	@echo "make docs       build the documentation as a site, build/site/index.html"
	@echo "make test       run the fast tests"
	@echo "make test-slow  run the slow tests"
	@echo "make test-browser  try the web pages in Chromium, which must be installed"
	@echo "make test-faults  kill runs, feed bad input, search for cases that fail"
	@echo "make test-compat  run the core of the tests on older and newer versions"
	@echo "make test-trackers  train with the newest client of each tracker"
	@echo "make test-remote-shards  train from shards over HTTP and in S3"
	@echo "make test-devkits  compare with the official devkits that are packages"
	@echo "make golden     record the golden losses anew (say in the commit why they moved)"
	@echo "make soak       train for an hour (SOAK_MINUTES=60) and watch memory and files"
	@echo "make lint       check style, formatting and types"
	@echo "make clean      remove build droppings and work_dirs/demo, never an environment"

venv: $(STAMP)

$(STAMP): requirements/lock.txt setup.py
	@bash requirements/install.sh "$(VENV)" "$(PYTHON)" "$@"

demo: venv
	"$(RUN)" tools/demo.py

docs: export NO_MKDOCS_2_WARNING := 1
docs: venv
	"$(RUN)" -m mkdocs build --strict

test: venv
	"$(RUN)" -m pytest -q $(PARALLEL) tests -m "not slow and not faults and not browser"

test-slow: venv
	"$(RUN)" -m pytest -q $(PARALLEL) tests -m "slow and not faults"

test-browser: venv
	"$(RUN)" -m pytest -q tests/web -m browser

test-faults: venv
	"$(RUN)" -m pytest -q $(PARALLEL) tests/faults -m "faults and not slow"

test-compat: venv
	"$(RUN)" requirements/compat.py

test-trackers: venv
	"$(RUN)" requirements/trackers.py

test-remote-shards: venv
	"$(RUN)" requirements/remote_shards.py

test-devkits: venv
	"$(RUN)" requirements/devkits.py

golden: venv
	OMP_NUM_THREADS=1 "$(RUN)" -m tests.golden.record

soak: venv
	"$(RUN)" -m pytest -q tests/faults/test_soak.py

lint: venv
	"$(RUN)" -m ruff check .
	"$(RUN)" -m ruff format --check .
	"$(RUN)" -m ty check --python "$(VENV)"

clean:
	rm -rf build dist *.egg-info .pytest_cache .ruff_cache .hypothesis work_dirs/demo
	find mtlplugins tools tests configs -type d -name __pycache__ -prune -exec rm -rf {} +
