
# --- fuzzing: one target per reader, tests/fuzz/fuzz_NAME.c ----------------------------------------------------------
# make fuzz                every target for FUZZ_SECONDS; inputs that fail are left in build/fuzz
# make fuzz-NAME           one target, for example fuzz-wfdb
# make fuzz-short          every target for a fixed number of inputs with a fixed seed, from the committed corpus
# tests/fuzz/corpus/NAME holds what to begin with, inputs that once failed among it; tests/fuzz/NAME.dict words, if any.
FUZZ_SECONDS ?= 60
FUZZ_CC      ?= clang
# Chance follows from EIN_TEST_SEED, as in tests.
FUZZ_SEED    := $(shell echo $$((1 + $${EIN_TEST_SEED:-0})))
FUZZ_FLAGS   := -std=c11 -D_GNU_SOURCE -I. -O1 -gline-tables-only -fno-omit-frame-pointer -fopenmp -DEIN_NO_CLONES \
                -Wno-pass-failed -fsanitize=address,undefined -fno-sanitize-recover=all
FUZZ_NAMES   := $(sort $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c)))
FUZZ_OBJ     := $(patsubst %.c,build/fuzz/obj/%.o,$(LIB_SRC))
# The longest input, and how many inputs make fuzz-short tries, where the defaults do not suit.
FUZZ_LEN  = $(or $(FUZZ_LEN_$*),8192)
FUZZ_RUNS = $(or $(FUZZ_RUNS_$*),4000)
FUZZ_LEN_config := 512
FUZZ_LEN_csv    := 512
FUZZ_LEN_wfdb   := 4096
FUZZ_LEN_corpus := 50000
FUZZ_LEN_checkpoint := 50000
FUZZ_RUNS_corpus := 400
FUZZ_RUNS_checkpoint := 400
FUZZ_RUNS_run := 1000
FUZZ_LEN_embeddings_h5 := 50000
FUZZ_RUNS_embeddings_h5 := 200
FUZZ_RUNS_claims := 1000
FUZZ_RUNS_score_plan := 2000
FUZZ_RUNS_score_block := 2000
FUZZ_RUNS_embeddings := 2000

build/fuzz/obj/%.o: %.c
	@mkdir -p $(@D)
	$(call say,FUZZ,$<)
	$(Q)$(FUZZ_CC) $(CPPFLAGS_ALL) $(CAIRO_CFLAGS) $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link -MMD -MP -c $< -o $@
build/fuzz/libeinthoven.a: $(FUZZ_OBJ)
	$(Q)rm -f $@ && ar qcs $@ $^ # q: files of one name in several folders
build/fuzz/fuzz_%: tests/fuzz/fuzz_%.c build/fuzz/libeinthoven.a $(BUILD)/jobs/embedded.a $(wildcard tests/fuzz/*.h)
	$(call say,LINK,$@)
	$(Q)$(FUZZ_CC) $(CPPFLAGS_ALL) $(FUZZ_FLAGS) -fsanitize=fuzzer $< build/fuzz/libeinthoven.a $(BUILD)/jobs/embedded.a $(LIBS_ALL) -o $@
-include $(FUZZ_OBJ:.o=.d)

FUZZ_COMMON = -max_len=$(FUZZ_LEN) -rss_limit_mb=1024 -timeout=10 -artifact_prefix=build/fuzz/$*- \
              $(addprefix -dict=,$(wildcard tests/fuzz/$*.dict))
FUZZ_SEEDS  = $(wildcard tests/fuzz/corpus/$*) $(FUZZ_SEEDS_$*)
FUZZ_SEEDS_tasks := jobs/tasks
FUZZ_SEEDS_study := jobs/study
FUZZ_ENV     = OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
.PHONY: fuzz fuzz-short $(FUZZ_NAMES:%=fuzz-%) $(FUZZ_NAMES:%=fuzz-short-%)
$(FUZZ_NAMES:%=fuzz-%): fuzz-%: build/fuzz/fuzz_%
	@mkdir -p build/fuzz/found/$*
	$(FUZZ_ENV) nice $< -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1 $(FUZZ_COMMON) build/fuzz/found/$* $(FUZZ_SEEDS)
$(FUZZ_NAMES:%=fuzz-short-%): fuzz-short-%: build/fuzz/fuzz_%
	@rm -rf build/fuzz/short/$* && mkdir -p build/fuzz/short/$*
	@$(FUZZ_ENV) $< -runs=$(FUZZ_RUNS) -seed=$(FUZZ_SEED) $(FUZZ_COMMON) build/fuzz/short/$* $(FUZZ_SEEDS) >build/fuzz/short-$*.log 2>&1 || \
	    { tail -40 build/fuzz/short-$*.log; echo 'fuzz-short: $* failed; the input is in build/fuzz'; exit 1; }
	@echo "  ok    $*: $$(grep -c . build/fuzz/short-$*.log) lines, $(FUZZ_RUNS) inputs, seed $(FUZZ_SEED)"
##@ Test further
fuzz: ## fuzz every reader for FUZZ_SECONDS each (default 60); inputs that fail are left in build/fuzz
	@for name in $(FUZZ_NAMES); do $(MAKE) --no-print-directory fuzz-$$name || exit 1; done
fuzz-short: $(FUZZ_NAMES:%=fuzz-short-%) ## every fuzz target for a fixed number of inputs over tests/fuzz/corpus

# --- statistics against R and scikit-learn: development only, packages in tests/data/stats_agreement.py ------------
STATS_SRC := $(wildcard core/base/*.c core/stats/*.c)
build/stats/driver: tests/data/stats_driver.c $(STATS_SRC) $(wildcard core/stats/*.h)
	@mkdir -p $(@D)
	$(CC) -std=c11 -D_GNU_SOURCE -fopenmp -ffp-contract=off -O2 $(WARN) -I. tests/data/stats_driver.c $(STATS_SRC) -lm -o $@
.PHONY: stats-agreement stats-mutations
stats-agreement: build/stats/driver ## compare core/stats with R and scikit-learn, write results/stats_agreement.md
	nice tests/data/stats_agreement.py build/stats/driver build/stats results/stats_agreement.md
stats-mutations: ## break core/stats in many places: every time a test has to fail
	nice tests/data/stats_mutations.sh

# --- speed ------------------------------------------------------------------------------------------------------------
BENCH_BIN := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/bench/bench_*.c))
$(BENCH_BIN): $(BUILD)/%: $(BUILD)/%.o $(LIBS)
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS_ALL) $(HARDEN_CFLAGS) $(LDFLAGS) $(HARDEN_LDFLAGS) $^ -o $@ $(LIBS_ALL)
##@ Measure
.PHONY: bench
bench: $(BENCH_BIN) $(BUILD)/tests/unit/test_kernels ## speed against the arithmetic peak, PyTorch and ONNX Runtime; PARTS='products inference', PRESETS=tiny
	@BENCH_PARTS='$(PARTS)' tests/bench/bench.sh $(BUILD) $(PRESETS)

.PHONY: quality
quality: einthoven ## probe AUROC over core-seconds of pretraining: CORPUS=FILE, RECIPES=tests/bench/recipes.txt, SEEDS='1 2 3'
	@$(if $(SEEDS),SEEDS='$(SEEDS)') tests/bench/quality.sh $(BUILD) '$(CORPUS)' results/quality $(RECIPES)

# --- memory and arithmetic ----------------------------------------------------------------------------------------------
##@ Test further
.PHONY: tests-unit-build test-sanitizers
test-sanitizers: ## the unit tests under the address and undefined-behaviour sanitizers, in a build folder of their own
	@$(MAKE) --no-print-directory SANITIZE=address,undefined tests-unit-build
	@EIN_SLOWER=4 tests/run build/$(notdir $(CC))-address-undefined unit/

# --- longer lives -------------------------------------------------------------------------------------------------------
.PHONY: test-faults
test-faults: einthoven ## stops, kills and damage over more than 2,000 updates (make test does 600)
	@EIN_RESTART_EPOCHS=150 tests/run $(BUILD) restart/ faults/

.PHONY: soak-watch
soak-watch: einthoven ## score --watch for SOAK_SECONDS (1200) over SOAK_ARRIVALS (50000) files, good, hostile and half-written
	@EIN_BUILD=$(BUILD) tests/bench/soak_watch.sh $(SOAK_SECONDS) $(SOAK_ARRIVALS)

.PHONY: score-kills
score-kills: einthoven ## score of KILL_FOLDER by ranks, processes, parts, killed KILL_ROUNDS (40) times: equal bytes
	@EIN_BUILD=$(BUILD) tests/bench/score_kills.sh $(or $(KILL_ROUNDS),40) $(KILL_FOLDER)

# --- data races: clang, whose OpenMP runtime tells the sanitizer about its barriers through Archer -----------------------
ARCHER ?= $(lastword $(sort $(wildcard /usr/lib/llvm-*/lib/libarcher.so)))
.PHONY: test-races
test-races: ## the engine's threads under clang's thread sanitizer (Debian: clang, libomp-dev)
	@$(if $(ARCHER),,echo 'needs libarcher.so (Debian: libomp-dev)'; exit 1;) $(MAKE) --no-print-directory CC=clang SANITIZE=thread \
	    build/clang-thread/tests/mpi/test_engine
	@OMP_TOOL_LIBRARIES=$(ARCHER) TSAN_OPTIONS=ignore_noninstrumented_modules=1 tests/run build/clang-thread mpi/test_engine

# --- every set of BLAS kernels ------------------------------------------------------------------------------------------
.PHONY: test-kernels
test-kernels: tests-build ## the numerical tests under every set of OpenBLAS kernels that this processor can run
	@tests/kernels.sh $(BUILD)

# --- what is linked -----------------------------------------------------------------------------------------------------
##@ Build
.PHONY: sbom
sbom: $(PROGRAM) ## list what the program is linked with, versions and licences: CycloneDX JSON in the build folder
	@tests/sbom.sh $(PROGRAM) > $(BUILD)/sbom.cdx.json && echo $(BUILD)/sbom.cdx.json
