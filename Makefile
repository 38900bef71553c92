# Two commands do everything on a fresh Debian or Ubuntu with Python >= 3.11 and make:
#   make repro   the pipeline on the sample data, then the result as a table
#   make test    the tests

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready
RUN := PATH="$(CURDIR)/$(BIN):$$PATH"

.PHONY: help repro results test check clean

help:
	@sed -n '2,3s/^# *//p' Makefile; echo "make check   format, lint and types"; echo "make results the sample's results into the embedded remote"; echo "make clean   remove what was made (not the data, not the cache)"

repro: $(READY)
	@$(RUN); dvc pull --quiet data.dvc && dvc repro && humanlike show && humanlike report

# For who renews the results that come with the project, on the sample: commit what it stages.
results: $(READY)
	@$(RUN); dvc pull --quiet data.dvc people/data.dvc && dvc repro && python -m humanlike.commands.embed

# The processes share the cores, and threads that wait for each other would take theirs.
# Files come in the order that tests/conftest.py gives them, and not those with the most tests first.
test: $(READY)
	@$(RUN); export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1; pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not slow" $(PYTEST_ARGS)

check: $(READY)
	@$(RUN); ruff format --check . && ruff check . && mypy

clean:
	rm -rf artifacts .venv

# Debian's python3 comes without venv; where this may install packages, it does.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12 ...")'
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { \
	  pkg=python3-venv; root=; [ "$$(id -u)" = 0 ] || root=sudo; \
	  echo "installing $$pkg"; $$root apt-get update -qq && $$root apt-get install -y -qq $$pkg; } || { \
	  echo "Python's venv module is missing: apt-get install python3-venv, then run this again" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
