# The front of CMake and Ninja. `make` alone says what there is.
PREFIX ?= /usr/local
FUZZ_SECONDS ?= 20
TEST_JOBS ?= $(shell nproc)
PHOTOS ?= $(wildcard examples/postcards/*.jpg)
CCACHE := $(shell command -v ccache)
CONFIGURE = cmake -G Ninja -S . $(if $(CCACHE),-DCMAKE_C_COMPILER_LAUNCHER=ccache) -B
ALL_PARTS = -DGLOBE_VIPS=ON -DGLOBE_TRAIN=ON -DGLOBE_MPI=ON -DGLOBE_POSTCARDS=ON
TEST = ctest --output-on-failure --no-tests=error -j $(TEST_JOBS) --test-dir

.PHONY: help run full test lint sanitize fuzz clang install clean ablation program configured all-tests
.DEFAULT_GOAL := help

help: ## Show this list
	@awk -F ':[^#]*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

run: program ## Install what is missing, build, and locate the example postcards with the embedded model
	build/globe locate $(PHOTOS) --samples 8 --html build/postcards.html
	@echo "The same with pictures and a map of the world: build/postcards.html"

full: build/packages-train ## Build all of globe: with training, ranks and the drawing of postcards
	@$(CONFIGURE) build $(ALL_PARTS)
	@ninja -C build globe

test: all-tests ## Build everything and run all tests
	$(TEST) build

lint: build/packages-lint configured ## Check format, clang-tidy, cppcheck and shellcheck
	@tools/lint.sh build

sanitize: build/packages-test ## Run the tests under AddressSanitizer and UndefinedBehaviorSanitizer
	@$(CONFIGURE) build-sanitize -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS_DEBUG="-O1 -g" -DGLOBE_SANITIZE=ON $(ALL_PARTS)
	@ninja -C build-sanitize
	$(TEST) build-sanitize

fuzz: build/packages-lint ## Fuzz each target for FUZZ_SECONDS (20) over its corpus
	@$(CONFIGURE) build-fuzz -DCMAKE_C_COMPILER=clang -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS_DEBUG="-O1 -g" \
	    -DGLOBE_SANITIZE=ON -DGLOBE_FUZZ=ON -DGLOBE_TESTS=OFF $(ALL_PARTS)
	@ninja -C build-fuzz fuzzers
	@tools/fuzz.sh build-fuzz $(FUZZ_SECONDS)

clang: build/packages-lint ## Build and test with clang
	@$(CONFIGURE) build-clang -DCMAKE_C_COMPILER=clang $(ALL_PARTS)
	@ninja -C build-clang
	$(TEST) build-clang

ablation: full ## Train and examine what each reward does (docs/ablation.md); ABLATION_SCALE=0.05 tries it in minutes
	@tools/ablation.sh

install: build/packages-train ## Install under PREFIX (/usr/local), below DESTDIR if that is set
	@$(CONFIGURE) build-install -DCMAKE_INSTALL_PREFIX=$(PREFIX) -DGLOBE_TESTS=OFF $(ALL_PARTS)
	@ninja -C build-install
	cmake --install build-install

clean: ## Remove everything that was built
	rm -rf build build-sanitize build-fuzz build-clang build-install

# build/packages-NAME notes that the packages of tools/packages-NAME.txt were here.
build/packages-run: tools/packages-run.txt
build/packages-train: tools/packages-train.txt build/packages-run
build/packages-test: tools/packages-test.txt build/packages-train
build/packages-lint: tools/packages-lint.txt build/packages-test
build/packages-%: tools/packages-%.txt
	@tools/install-packages.sh $<
	@mkdir -p build && touch $@

# Without test packages the tests are not configured. Ninja runs CMake again when CMake's files change.
program: build/packages-run
	@[ -f build/build.ninja ] || $(CONFIGURE) build -DGLOBE_TESTS=OFF
	@ninja -C build globe

configured: build/packages-test
	@grep -qs GLOBE_TESTS:BOOL=ON build/CMakeCache.txt || $(CONFIGURE) build -DGLOBE_TESTS=ON $(ALL_PARTS)

all-tests: configured
	@ninja -C build
