# make install | demo | test | test-long | bench | lint | docs | measure | lock | clean
# Each one sets up what it needs: on a fresh machine `make demo` or `make test` is enough.

BIN := .venv/bin
SHELL := /bin/sh

CHECKED := src training tests docs .ci .build

.PHONY: install demo test test-long bench lint docs measure lock clean

install: .venv/.stamp-package

.venv/.stamp-lock: .ci/requirements.lock .ci/install.sh .ci/system-packages.sh
	@sh .ci/install.sh
	@touch $@

# uv's sync takes the package itself out of .venv, so this follows whenever the lock changed.
.venv/.stamp-package: .venv/.stamp-lock pyproject.toml napari.yaml .build/copy_manifest.py
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

demo: install
	@$(BIN)/tgcnet demo

# Two processes, each with a file at a time and one thread: about eight minutes on two cores.
# COVERAGE=1 also measures which lines ran, and fails below the floor in pyproject.toml.
test: install
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not slow and not gpu and not network" \
		--numprocesses=2 --dist=loadfile --no-loadscope-reorder \
		$(if $(COVERAGE),--cov --cov-report=term:skip-covered --no-cov-on-fail)

test-long: install
	OMP_NUM_THREADS=2 $(BIN)/python .ci/test_long.py

# Two threads, and without jaxtyping's checks, which pytest would put into every call it times.
bench: install
	@mkdir -p build
	OMP_NUM_THREADS=2 $(BIN)/python -m pytest tests/benchmarks -o python_files="bench_*.py" \
		-o addopts="--import-mode=importlib" --timeout=1800 \
		--benchmark-columns=min,median,max,rounds --benchmark-json=build/benchmarks.json

lint: install
	$(BIN)/ruff check $(CHECKED)
	$(BIN)/ruff format --check $(CHECKED)
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/typos

docs: install
	$(BIN)/uv pip install --quiet --python $(BIN)/python --group docs
	$(BIN)/mkdocs build --strict --config-file .mkdocs.yml

measure: install
	$(BIN)/python docs/update_measured.py --run

lock:
	sh .ci/lock.sh

clean:
	rm -rf .venv build dist site demo-out .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
