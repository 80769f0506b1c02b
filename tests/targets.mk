
# --- fuzzing the WFDB reader: FUZZ_SECONDS=600 for a longer run, inputs that fail are left in build/fuzz -----------
FUZZ_SECONDS ?= 60
FUZZ_CC      ?= clang
FUZZ_FLAGS   := -std=c11 -D_GNU_SOURCE -I. -O1 -g -fno-omit-frame-pointer -DEIN_NO_CLONES \
                -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all
WFDB_FUZZ_SRC := tests/fuzz/fuzz_wfdb.c $(addprefix core/,status.c ecg.c lead_names.c gain.c contract.c gaps.c resample.c filter.c \
                limb.c quality.c prepare.c) $(addprefix io/,wfdb.c wfdb_header.c wfdb_format.c durable.c utf8.c values.c year.c)
build/fuzz/fuzz_wfdb: $(WFDB_FUZZ_SRC) $(wildcard core/*.h io/*.h)
	@mkdir -p $(@D)
	$(FUZZ_CC) $(FUZZ_FLAGS) $(WFDB_FUZZ_SRC) -lm -o $@
.PHONY: fuzz-wfdb
fuzz-wfdb: build/fuzz/fuzz_wfdb ## fuzz the WFDB reader for FUZZ_SECONDS
	@tests/fuzz/seeds_wfdb.sh build/fuzz/wfdb-seeds
	@mkdir -p build/fuzz/wfdb-corpus
	nice build/fuzz/fuzz_wfdb -max_total_time=$(FUZZ_SECONDS) -max_len=4096 -rss_limit_mb=1024 -timeout=10 -print_final_stats=1 \
	    -dict=tests/fuzz/wfdb.dict -artifact_prefix=build/fuzz/ build/fuzz/wfdb-corpus build/fuzz/wfdb-seeds

# --- fuzzing the XML readers ---------------------------------------------------------------------------------------
XML_FUZZ_SRC := core/status.c core/ecg.c core/lead_names.c core/gain.c $(addprefix io/,xml_text.c xml_person.c utf8.c values.c year.c base64.c crc32.c muse.c \
                cardiosoft.c durable.c)
build/fuzz/fuzz_muse build/fuzz/fuzz_cardiosoft: build/fuzz/%: tests/fuzz/%.c tests/fuzz/fuzz_xml.h $(XML_FUZZ_SRC) \
                $(wildcard core/*.h io/*.h)
	@mkdir -p $(@D)
	$(FUZZ_CC) $(FUZZ_FLAGS) $< $(XML_FUZZ_SRC) $(IO_CFLAGS) $(IO_LIBS) -lm -o $@
.PHONY: fuzz-muse fuzz-cardiosoft
fuzz-muse fuzz-cardiosoft: fuzz-%: build/fuzz/fuzz_% ## fuzz the readers of MUSE and CardioSoft XML for FUZZ_SECONDS
	@tests/fuzz/seeds_xml.sh $* build/fuzz/$*-seeds
	@mkdir -p build/fuzz/$*-corpus
	nice build/fuzz/fuzz_$* -max_total_time=$(FUZZ_SECONDS) -max_len=8192 -rss_limit_mb=1024 -timeout=10 -print_final_stats=1 \
	    -dict=tests/fuzz/$*.dict -artifact_prefix=build/fuzz/ build/fuzz/$*-corpus build/fuzz/$*-seeds

# --- fuzzing configuration and tables -----------------------------------------------------------------------------
TEXT_FUZZ_SRC := core/status.c $(addprefix io/,config.c config_value.c config_yaml.c config_help.c nearest.c wrap.c durable.c csv.c)
build/fuzz/fuzz_config build/fuzz/fuzz_csv: build/fuzz/%: tests/fuzz/%.c $(TEXT_FUZZ_SRC) $(wildcard core/*.h io/*.h)
	@mkdir -p $(@D)
	$(FUZZ_CC) $(FUZZ_FLAGS) $< $(TEXT_FUZZ_SRC) $(IO_CFLAGS) $(IO_LIBS) -lm -o $@
.PHONY: fuzz-config fuzz-csv
fuzz-config fuzz-csv: fuzz-%: build/fuzz/fuzz_% ## fuzz the configuration or the CSV reader for FUZZ_SECONDS
	@mkdir -p build/fuzz/$*-corpus
	nice build/fuzz/fuzz_$* -max_total_time=$(FUZZ_SECONDS) -max_len=512 -rss_limit_mb=1024 -timeout=10 \
	    -artifact_prefix=build/fuzz/ build/fuzz/$*-corpus

# --- fuzzing task descriptions ------------------------------------------------------------------------------------
TASKS_FUZZ_SRC := tests/fuzz/fuzz_tasks.c core/status.c mpi/comm.c $(addprefix io/,tasks.c tasks_yaml.c tasks_rule.c \
                tasks_cell.c yaml_tree.c config_value.c nearest.c durable.c)
build/fuzz/fuzz_tasks: $(TASKS_FUZZ_SRC) $(wildcard core/*.h io/*.h)
	@mkdir -p $(@D)
	$(FUZZ_CC) $(FUZZ_FLAGS) $(MPI_CFLAGS) $(TASKS_FUZZ_SRC) $(IO_CFLAGS) $(IO_LIBS) $(MPI_LIBS) -lm -o $@
.PHONY: fuzz-tasks
fuzz-tasks: build/fuzz/fuzz_tasks ## fuzz task descriptions, rules and cells of statements for FUZZ_SECONDS
	@mkdir -p build/fuzz/tasks-corpus build/fuzz/tasks-seeds
	@cp jobs/tasks/*.yaml build/fuzz/tasks-seeds
	nice build/fuzz/fuzz_tasks -max_total_time=$(FUZZ_SECONDS) -max_len=4096 -rss_limit_mb=1024 -timeout=10 \
	    -dict=tests/fuzz/tasks.dict -artifact_prefix=build/fuzz/ build/fuzz/tasks-corpus build/fuzz/tasks-seeds

# --- fuzzing study descriptions -----------------------------------------------------------------------------------
STUDY_FUZZ_SRC := tests/fuzz/fuzz_study.c $(addprefix core/,status.c contract.c ecg.c lead_names.c) mpi/comm.c jobs/study_file.c jobs/study_plan.c \
                $(addprefix io/,yaml_tree.c nearest.c durable.c lock.c contract_hash.c config_value.c)
build/fuzz/fuzz_study: $(STUDY_FUZZ_SRC) $(wildcard core/*.h io/*.h jobs/*.h)
	@mkdir -p $(@D)
	$(FUZZ_CC) $(FUZZ_FLAGS) $(MPI_CFLAGS) $(HDF5_CFLAGS) $(STUDY_FUZZ_SRC) $(IO_CFLAGS) $(IO_LIBS) $(MPI_LIBS) -lm -o $@
.PHONY: fuzz-study
fuzz-study: build/fuzz/fuzz_study ## fuzz study descriptions for FUZZ_SECONDS
	@mkdir -p build/fuzz/study-corpus build/fuzz/study-seeds
	@cp jobs/study/*.yaml build/fuzz/study-seeds
	nice build/fuzz/fuzz_study -max_total_time=$(FUZZ_SECONDS) -max_len=4096 -rss_limit_mb=1024 -timeout=10 \
	    -artifact_prefix=build/fuzz/ build/fuzz/study-corpus build/fuzz/study-seeds

# --- statistics against R and scikit-learn: development only, packages in tests/data/stats_agreement.py ------------
STATS_SRC := core/status.c core/philox.c $(wildcard core/stats_*.c)
build/stats/driver: tests/data/stats_driver.c $(STATS_SRC) $(wildcard core/stats_*.h)
	@mkdir -p $(@D)
	$(CC) -std=c11 -D_GNU_SOURCE -fopenmp -O2 $(WARN) -I. tests/data/stats_driver.c $(STATS_SRC) -lm -o $@
.PHONY: stats-agreement stats-mutations
stats-agreement: build/stats/driver ## compare core/stats_* with R and scikit-learn, write results/stats_agreement.md
	nice tests/data/stats_agreement.py build/stats/driver build/stats results/stats_agreement.md
stats-mutations: ## break core/stats_* in many places: every time a test has to fail
	nice tests/data/stats_mutations.sh

# --- fuzzing model files --------------------------------------------------------------------------------------------
MODEL_FUZZ_SRC := tests/fuzz/fuzz_safetensors.c $(addprefix core/,status.c vit.c contract.c ecg.c) \
                $(addprefix io/,safetensors.c model.c model_describe.c model_hash.c contract_hash.c durable.c)
build/fuzz/fuzz_safetensors: $(MODEL_FUZZ_SRC) $(wildcard core/*.h io/*.h)
	@mkdir -p $(@D)
	$(FUZZ_CC) $(FUZZ_FLAGS) $(MODEL_FUZZ_SRC) $(IO_CFLAGS) $(IO_LIBS) -lm -o $@
.PHONY: fuzz-safetensors
fuzz-safetensors: build/fuzz/fuzz_safetensors $(BUILD)/tests/unit/test_model ## fuzz the .safetensors and model reader for FUZZ_SECONDS
	@mkdir -p build/fuzz/safetensors-seeds build/fuzz/safetensors-corpus
	@cp tests/data/dtypes.safetensors build/fuzz/safetensors-seeds
	@$(BUILD)/tests/unit/test_model write build/fuzz/safetensors-seeds/model.safetensors
	nice build/fuzz/fuzz_safetensors -max_total_time=$(FUZZ_SECONDS) -max_len=8192 -rss_limit_mb=1024 -timeout=10 \
	    -dict=tests/fuzz/safetensors.dict -artifact_prefix=build/fuzz/ build/fuzz/safetensors-corpus build/fuzz/safetensors-seeds

# --- speed ------------------------------------------------------------------------------------------------------------
BENCH_BIN := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/bench/bench_*.c))
$(BENCH_BIN): $(BUILD)/%: $(BUILD)/%.o $(LIB_OBJ) $(JOBS_LIB_OBJ)
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS) $^ -o $@ $(LIBS_ALL)
.PHONY: bench
bench: $(BENCH_BIN) ## step time, scaling, share of the sgemm peak, and PyTorch beside it where it is installed
	@tests/bench/bench.sh $(BUILD)

# --- longer lives -------------------------------------------------------------------------------------------------------
.PHONY: test-faults
test-faults: einthoven ## stops, kills and damage over more than 2,000 updates (make test does 600)
	@EIN_RESTART_EPOCHS=150 tests/run $(BUILD) restart/ faults/

# --- data races: clang, whose OpenMP runtime tells the sanitizer about its barriers through Archer -----------------------
ARCHER ?= $(lastword $(sort $(wildcard /usr/lib/llvm-*/lib/libarcher.so)))
.PHONY: test-races
test-races: ## the engine's threads under clang's thread sanitizer (Debian: clang, libomp-dev)
	@$(if $(ARCHER),,echo 'needs libarcher.so (Debian: libomp-dev)'; exit 1;) $(MAKE) --no-print-directory CC=clang SANITIZE=thread \
	    build/clang-thread/tests/mpi/test_engine
	@OMP_TOOL_LIBRARIES=$(ARCHER) TSAN_OPTIONS=ignore_noninstrumented_modules=1 tests/run build/clang-thread mpi/test_engine
