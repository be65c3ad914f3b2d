# Two commands matter: `make demo` and `make test`. The rest is for whoever works on the code.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PORT   ?= 8000

.PHONY: demo test check attack bench pictures serve clean

$(VENV)/.run: requirements.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "OneTrip needs Python 3.11 or newer; try: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/.dev: $(VENV)/.run tests/requirements.txt
	$(BIN)/pip install --quiet --disable-pip-version-check -r tests/requirements.txt
	@touch $@

# It ends with this make, however this make ends.
demo: $(VENV)/.run
	@PORT=$(PORT) exec $(BIN)/python handlers/demo/child.py $$PPID $(BIN)/python app.py demo

test: $(VENV)/.dev
	@command -v chromium >/dev/null || echo "*** chromium is not installed: the tests of the pages WILL NOT RUN (Debian: apt-get install chromium)"
	@{ command -v go && test -d /usr/share/gocode/src/golang.org/x/mod/sumdb; } >/dev/null || echo "*** Go's sumdb is not installed: Go WILL NOT READ our log (Debian: apt-get install golang-go golang-golang-x-mod-dev)"
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m "not attack"

attack: $(VENV)/.dev
	$(BIN)/python -m pytest -n 2 --dist loadgroup

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.dev
	$(BIN)/python -m benchmarks

# The pictures of the documentation, taken anew by the tests that try the page.
pictures: $(VENV)/.dev
	$(BIN)/python -m pytest tests/demo/test_demo_page.py tests/demo/test_demo_stranger.py --pictures docs/pictures

serve: $(VENV)/.run
	@$(BIN)/python app.py serve & web=$$!; $(BIN)/python app.py schedule & jobs=$$!; trap 'kill $$web $$jobs' INT TERM; wait

clean:
	rm -rf $(VENV) instance .pytest_cache .mypy_cache .ruff_cache
