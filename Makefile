# What README's two commands call. Everything is installed into .venv, which the first call makes;
# a later call finds the stamps there and starts at once. Another Python: make test PYTHON=python3.12

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/stamps
# Where the laboratory keeps what it has done; it goes on from there.
WORK ?= laboratory
FULL := benchmarks/experiments/full.toml
OTHER := benchmarks/experiments/full-li2019.toml
PIP_INSTALL := $(BIN)/python -m pip install --disable-pip-version-check
# More options of the image's script: firmware_configs/image/build.sh --help
IMAGE :=
# How long to fuzz, and where the inputs go that break a parser.
SECONDS := 60
CRASHES := crashes
# Three processes share the tests of two cores, for some wait a part of their time. Each begins with a
# third of them in order, so that one loads TensorFlow for long, and takes over from others when done.
WORKERS ?= 3
TESTS := -m pytest --numprocesses $(WORKERS) --dist worksteal
# Tests start the commands hundreds of times: each would compile the package anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo test test-busy fuzz mutants lint check bench laboratory laboratory-li2019 model kinds arm64-smoke image image-boot container clean

help:  ## Say what there is
	@grep -E '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## /  make \1\t/'

demo: $(STAMPS)/demo  ## Watch an observer catch an interferer and publish it
	$(BIN)/edgespec demo

test: $(STAMPS)/test  ## Run the whole test suite
	$(BIN)/python $(TESTS)

test-busy: $(STAMPS)/test  ## Run it beside eight busy loops: no test may depend on speed
	$(BIN)/python -m tests.busy $(TESTS)

fuzz: $(STAMPS)/fuzz  ## Throw damaged inputs at every parser: make fuzz SECONDS=600
	$(BIN)/python -m tests.fuzz --seconds $(SECONDS) --crashes $(CRASHES)

mutants: $(STAMPS)/mutants  ## Change the code here and there; say what no test notices (25 minutes)
	nice $(BIN)/python -m tests.mutants

lint: $(STAMPS)/test  ## Check style, types and who imports whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint  ## All checks, and the tests with and without the compiler of Numba
	$(BIN)/python $(TESTS) -W error
	NUMBA_DISABLE_JIT=1 $(BIN)/python $(TESTS) -W error -m 'not slow_without_jit and not converter'

bench: $(STAMPS)/test  ## Measure this machine
	$(BIN)/edgespec bench
	$(BIN)/python -m benchmarks.speed.front_end

laboratory: $(STAMPS)/test  ## Run every experiment again and write its reports (two hours)
	$(BIN)/edgespec-converter evaluate $(FULL) --work $(WORK) --workers 2
	$(BIN)/edgespec-converter report $(WORK) -o benchmarks/results/laboratory
	$(BIN)/python -m benchmarks.papers.li2019 $(WORK) -o benchmarks/results/li2019

laboratory-li2019: $(STAMPS)/test  ## Ask the papers' claims in the setting fitted to them (an hour)
	$(BIN)/edgespec-converter evaluate $(OTHER) --work $(WORK)-li2019 --workers 2
	$(BIN)/python -m benchmarks.papers.li2019 $(WORK)-li2019 -o benchmarks/results/li2019-setting

model: $(STAMPS)/test  ## Make the shipped bundle again from simulated data
	$(BIN)/edgespec-converter evaluate $(FULL) --work $(WORK) --workers 2 \
	  --only 'episodes.device.*' --only prediction.ablation.shipped
	$(BIN)/python -m converter.lab.shipped $(WORK)

kinds: $(STAMPS)/test  ## Make the weights that name events again, and say what they are worth (two hours)
	mkdir -p $(WORK)
	nice $(BIN)/python -m benchmarks.detection.kinds --no-save --kept $(WORK)/kinds.jsonl
	$(BIN)/python -m benchmarks.detection.kinds_training $(WORK)/kinds.jsonl
	$(BIN)/python -m benchmarks.detection.kinds --kept $(WORK)/kinds.jsonl

arm64-smoke: $(STAMPS)/test  ## Let an emulated ARM processor watch a recording and publish (half an hour)
	$(BIN)/python -m benchmarks.boards.smoke

image: | $(STAMPS)/python  ## Assemble a card for a Raspberry Pi: make image IMAGE='--size 8G --broker'
	PYTHON=$(BIN)/python sh firmware_configs/image/build.sh $(IMAGE)

image-boot: $(STAMPS)/test  ## Boot that card in a virtual machine until its observer has told of events
	$(BIN)/python -m benchmarks.boards.boot build/image/edgespec-pi.img

container:  ## Build Dockerfile.arm64 of Debian's packages, without Docker (as root)
	sh firmware_configs/container.sh

clean:  ## Remove everything that make, Python and the tools made here
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	find edgespec converter tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

$(STAMPS)/demo: setup.cfg | $(STAMPS)/python
	$(PIP_INSTALL) --editable '.[broker]'
	@touch $@

$(STAMPS)/test: setup.cfg | $(STAMPS)/python
	$(PIP_INSTALL) --editable '.[converter,broker,updates,dev]'
	@touch $@ $(STAMPS)/demo

# Fuzzing goes without atheris, too: it has no wheels for every machine.
$(STAMPS)/fuzz: $(STAMPS)/test
	$(PIP_INSTALL) --editable '.[fuzz]' || echo "atheris does not install here: without guidance"
	@touch $@

$(STAMPS)/mutants: $(STAMPS)/test
	$(PIP_INSTALL) --editable '.[mutants]'
	@touch $@

$(STAMPS)/python:
	@command -v '$(PYTHON)' >/dev/null || { \
	  echo "There is no $(PYTHON) here. On Debian: sudo apt install python3 python3-venv" >&2; exit 1; }
	@'$(PYTHON)' -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v <= (3, 13) \
	  else "edgespec needs Python 3.11 to 3.13, and $(PYTHON) is %d.%d. Name another one: make PYTHON=python3.12" % v)'
	@'$(PYTHON)' -c 'import ensurepip, venv' 2>/dev/null || { \
	  package=$$('$(PYTHON)' -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'); \
	  echo "$(PYTHON) cannot make virtual environments. On Debian: sudo apt install $$package" >&2; exit 1; }
	'$(PYTHON)' -m venv --clear $(VENV)
	@mkdir -p $(STAMPS) && touch $@
