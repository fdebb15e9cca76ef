# Two commands: `make run` walks the tutorial on a sandbox, `make test` proves it. See README.md.
PYTHON ?= python3
BIN := .venv/bin
# uv trusts what this system trusts, as pip does: a company's own proxy included.
export UV_SYSTEM_CERTS ?= 1
# Named after what it installed: a second `make` asks nothing of the network, whatever the files' dates.
STAMP := .venv/.installed-$(shell cat pyproject.toml requirements.lock | cksum | cut -d ' ' -f 1)

.PHONY: run lab install test test-clients bench outputs lock clean
.DEFAULT_GOAL := run

run: $(STAMP)
	$(BIN)/akswi run --clean-up --yes

install: $(STAMP)

lab: $(STAMP)
	$(BIN)/akswi lab

test: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pytest -n 2 --dist loadfile -m "not clients"
	$(BIN)/pytest -n 2 --dist loadfile -p tests.notebooks.nbval_plugin --nbval \
	  --nbval-sanitize-with tests/notebooks/sanitize.cfg notebooks

# Clients with an environment of their own (Helm 4 built with Go) and tests that take minutes. The
# judges come first and alone: a real server's controllers and ours are raced by nobody else.
test-clients: $(STAMP)
	$(BIN)/pytest -m "clients and judge" --timeout 1800
	$(BIN)/pytest -n 2 --dist loadfile -m "clients and not judge" --timeout 1800

# Ratios from one run, in a table; `make bench ONLY=gateway` measures one figure.
bench: $(STAMP)
	$(BIN)/python -m tests.bench $(ONLY)

# Write the committed outputs again, through the same code that `make test` proves them with.
outputs: $(STAMP)
	$(BIN)/python -m tests.notebooks.outputs

# The lock repeats an install exactly: hashes, no addresses, every platform.
lock: $(STAMP)
	$(BIN)/uv pip compile pyproject.toml --group dev --universal --generate-hashes \
	  --no-emit-index-url --no-header --no-annotate -p 3.11 -q -o requirements.lock

clean:
	rm -rf .venv out .mypy_cache .ruff_cache .pytest_cache

$(STAMP):
	@command -v $(PYTHON) >/dev/null || { echo "akswi needs Python 3.11 or newer: install python3, or name one: make PYTHON=/path/to/python3" >&2; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "akswi needs Python 3.11 or newer; $(PYTHON) is older: make PYTHON=/path/to/python3.11" >&2; exit 2; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "Python's venv module is missing: install it (Debian, Ubuntu: apt install python3-venv)" >&2; exit 2; }
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv .venv
	@[ -x $(BIN)/uv ] || $(BIN)/python -m pip install -q --disable-pip-version-check 'uv>=0.9,<1'
	VIRTUAL_ENV=.venv $(BIN)/uv pip install -q --compile-bytecode --require-hashes -r requirements.lock
	VIRTUAL_ENV=.venv $(BIN)/uv pip install -q --no-deps -e .
	@rm -f .venv/.installed*; touch $(STAMP)
