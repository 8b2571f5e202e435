# Two commands: `make demo` and `make test`. Both make their own environment and can be run again.
.POSIX:
.PHONY: demo test lint calibrate bench docs browser clean

PYTHON = python3
VENV = .venv
BIN = $(VENV)/bin
ONE_THREAD = OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1

demo: $(VENV)/.installed
	$(BIN)/commonground demo --out demo

test: $(VENV)/.installed-dev browser lint
	$(ONE_THREAD) $(BIN)/pytest -n 2 --dist loadfile -m "not slow"

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

calibrate: $(VENV)/.installed-dev
	$(ONE_THREAD) $(BIN)/python -m benchmarks.calibration
	$(ONE_THREAD) $(BIN)/pytest -n 2 -m slow

bench: $(VENV)/.installed-dev
	$(ONE_THREAD) $(BIN)/python -m benchmarks

docs: $(VENV)/.installed-dev
	$(BIN)/python scripts/notebooks.py

browser:
	bash scripts/browser.sh

$(VENV)/.made:
	$(PYTHON) -m venv $(VENV)
	touch $@

$(VENV)/.installed: $(VENV)/.made pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable .
	touch $@

$(VENV)/.installed-dev: $(VENV)/.made pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $(VENV)/.installed $@

clean:
	rm -rf $(VENV) demo build dist
