# Galen. `make run` shows this machine's health; `make test` proves the rest. Meson does the work.

BUILD ?= build
SECONDS ?= 60
CC ?= cc
prefix ?= /usr/local

.PHONY: all build packages-build run test unit lint format asan tsan fuzz cover bench lab soak \
        install clean

all: build

packages-%:
	@tools/packages.sh install $*

$(BUILD)/build.ninja: | packages-build
	@meson setup $(BUILD) -Dtests=false --prefix $(prefix) >$(BUILD).log 2>&1 || \
	  { cat $(BUILD).log; exit 1; }
	@rm -f $(BUILD).log

build: $(BUILD)/build.ninja
	@tools/ninja.sh $(BUILD)
	@echo "built: $(BUILD)/galen-agent $(BUILD)/galen-server $(BUILD)/galen"

run: packages-run build
	@tools/run.sh $(BUILD)

# The tests have a build of their own, so that `make` needs no test library.
test: packages-test
	@tools/build-tests.sh build-test
	@tests/run.py build-test

unit: packages-test
	@tools/build-tests.sh build-test
	@tests/run.py build-test --suite unit

lint: packages-test
	@tools/lint.sh

format:
	@git ls-files '*.c' '*.h' | xargs clang-format -i

# Tests under sanitizers of clang: address + undefined, and thread.
asan: packages-test
	@CC=clang tools/build-tests.sh build-asan -Db_sanitize=address,undefined -Db_lundef=false -Dconsole=disabled
	@tests/run.py build-asan --suite unit --suite fuzz

tsan: packages-test
	@CC=clang tools/build-tests.sh build-tsan -Db_sanitize=thread -Db_lundef=false -Dconsole=disabled
	@tests/run.py build-tsan --suite unit

fuzz: packages-test
	@tools/fuzz.sh $(SECONDS)

cover: packages-test
	@tools/cover.sh

bench: packages-test build
	@bench/run.sh $(BUILD)

# Limits that bite on this kernel, with server and agent running: is the right thing advised? An hour.
lab: packages-lab build
	@lab/prove.py --build $(BUILD) --markdown docs/LAB.md

soak: packages-test
	@tools/build-tests.sh build-test
	@GALEN_SOAK=1 tests/run.py build-test

install: build
	@meson install -C $(BUILD) --quiet

clean:
	@rm -rf build build-test build-asan build-tsan build-fuzz build-cover
