# Einthoven: one non-recursive Makefile. `make help` lists the targets (a `##` behind each) by group (`##@ GROUP`).
#
#   make CC=clang            another compiler          make DEBUG=1        -O0 -g, assertions of ours on
#   make SANITIZE=address    or undefined, thread       make NATIVE=1       for this CPU only
#   make WERROR=1            warnings are errors        make V=1            show commands
#   make HARDEN=0            without stack protector, _FORTIFY_SOURCE, RELRO and PIE
#
# Objects live in build/<configuration>/, so configurations never mix.

VERSION := 0.1.0
CC      ?= cc
ifeq ($(origin CC),default)
CC      := gcc
endif

comma := ,

# --- configuration -----------------------------------------------------------------------------------
CONFIG := $(notdir $(CC))
ifeq ($(DEBUG),1)
CONFIG := $(CONFIG)-debug
OPT    := -O0 -g3
KERNEL_OPT :=
else
OPT    := -O2 -g
KERNEL_OPT := -O3 -fno-math-errno -fno-trapping-math
endif
ifeq ($(NATIVE),1)
CONFIG := $(CONFIG)-native
OPT    += -march=native -DEIN_NO_CLONES
endif
ifneq ($(SANITIZE),)
CONFIG := $(CONFIG)-$(subst $(comma),-,$(SANITIZE))
OPT    := $(filter-out -O2,$(OPT)) -O1 -fno-omit-frame-pointer -fsanitize=$(SANITIZE) -fno-sanitize-recover=all -DEIN_NO_CLONES
LDFLAGS += -fsanitize=$(SANITIZE)
endif
ifeq ($(COVERAGE),1)
CONFIG := $(CONFIG)-coverage
OPT    := -O0 -g --coverage
LDFLAGS += --coverage
endif
# What makes a bug in a reader harder to use. Not part of FLAGS_TEXT: the folder's name tells. _FORTIFY_SOURCE needs the
# optimiser and would hide from sanitizers what they look for.
HARDEN ?= 1
ifeq ($(HARDEN),1)
HARDEN_CFLAGS  := -fstack-protector-strong -fPIE
HARDEN_LDFLAGS := -pie -Wl,-z,relro,-z,now,-z,noexecstack
ifneq ($(filter -O2,$(OPT)),)
HARDEN_CFLAGS  += -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
endif
else
CONFIG := $(CONFIG)-plain
endif
BUILD  := build/$(CONFIG)

# --- libraries (each can be overridden on the command line) --------------------------------------------
PKG_CONFIG   ?= pkg-config
MPI_CFLAGS   ?= $(shell $(PKG_CONFIG) --cflags ompi-c)
MPI_LIBS     ?= $(shell $(PKG_CONFIG) --libs ompi-c)
HDF5_CFLAGS  ?= $(shell $(PKG_CONFIG) --cflags hdf5-openmpi)
HDF5_LIBS    ?= $(shell $(PKG_CONFIG) --libs hdf5-openmpi)
# Several threads call BLAS at once, each on its own. Debian's serial OpenBLAS is built without locks and gives wrong
# products then, so the build with locks is linked by its folder, whatever the system's default is.
BLAS_DIR     ?= $(firstword $(wildcard /usr/lib/$(shell $(CC) -print-multiarch 2>/dev/null || uname -m)/openblas-pthread \
                  /usr/lib/*/openblas-pthread))
BLAS_CFLAGS  ?= $(if $(BLAS_DIR),-I$(subst /lib/,/include/,$(BLAS_DIR)),$(shell $(PKG_CONFIG) --cflags openblas))
BLAS_LIBS    ?= $(if $(BLAS_DIR),-L$(BLAS_DIR) -Wl$(comma)-rpath$(comma)$(BLAS_DIR) -lopenblas,$(shell $(PKG_CONFIG) --libs openblas))
IO_PACKAGES  := yaml-0.1 jansson libsodium libxml-2.0 sqlite3 zlib flac libarchive
IO_CFLAGS    ?= $(shell $(PKG_CONFIG) --cflags $(IO_PACKAGES))
IO_LIBS      ?= $(shell $(PKG_CONFIG) --libs $(IO_PACKAGES))
CAIRO_CFLAGS ?= $(shell $(PKG_CONFIG) --cflags cairo-pdf)
CAIRO_LIBS   ?= $(shell $(PKG_CONFIG) --libs cairo-pdf)
CHECK_CFLAGS ?= $(shell $(PKG_CONFIG) --cflags check)
CHECK_LIBS   ?= $(shell $(PKG_CONFIG) --libs check)

WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wwrite-strings \
        -Wvla -Wundef -Wformat=2
ifneq ($(findstring clang,$(CC)),)
WARN += -Wno-pass-failed # a loop that clang leaves scalar is slow, not wrong
endif
ifeq ($(WERROR),1)
WARN += -Werror
endif

CPPFLAGS_ALL = -I. -D_GNU_SOURCE $(MPI_CFLAGS) $(HDF5_CFLAGS) $(BLAS_CFLAGS) $(IO_CFLAGS) $(CPPFLAGS)
# The same bits on every processor: multiplications and additions are fused where the source says so and nowhere else, and
# a plain char has a sign everywhere (on aarch64 it has none by default).
CFLAGS_ALL   = -std=c11 -fopenmp -ffp-contract=off -fsigned-char $(OPT) $(WARN) $(CFLAGS)
LIBS_ALL     = $(HDF5_LIBS) $(MPI_LIBS) $(BLAS_LIBS) $(IO_LIBS) $(CAIRO_LIBS) -lm

# --- sources -------------------------------------------------------------------------------------------
# The rooms of the house, from the roof to the ground. A room may use those further down and none further up: each is an
# archive, and the linker, which reads them once and in this order, does not find what points upwards. `make lint` checks
# the same over #include.
ROOMS := jobs jobs/report jobs/study jobs/inspect jobs/explain jobs/score jobs/evaluate jobs/sites jobs/train jobs/data jobs/options jobs/metrics \
         jobs/cli io/sites io/tasks io/model io/labels io/picture io/ecg io/archive io/corpus io/run io/config io/hdf5 io/formats io/base \
         mpi core/synth core/stats core/records core/nn core/signal core/base
ROOM_SRC = $(filter-out jobs/einthoven.c,$(wildcard $1/*.c))
LIB_SRC  := $(foreach room,$(ROOMS),$(call ROOM_SRC,$(room)))
# Kernels over `real`, compiled a second time in double for the gradient checks.
REAL_SRC := $(shell grep -l 'core/base/real.h' core/*/*.h 2>/dev/null | sed 's/\.h$$/.c/' | xargs -r ls 2>/dev/null)
REAL_ROOMS := $(filter $(sort $(patsubst %/,%,$(dir $(REAL_SRC)))),$(ROOMS))
# The published schemas of files that sites exchange; io/sites judges by them.
SCHEMAS  := $(wildcard io/sites/*_schema.json)
# The manual, in the order in which `einthoven help` lists it: what users read first.
PAGES    := $(wildcard README.md ARCHITECTURE.md) $(sort $(wildcard jobs/*/README.md)) $(wildcard slurm/README.md) \
            $(sort $(wildcard slurm/[!R]*.md io/*/README.md)) \
            $(wildcard jobs/README.md io/README.md mpi/README.md core/README.md) $(sort $(wildcard core/*/README.md))
EMBEDDED := $(sort $(wildcard jobs/presets/*.yaml jobs/tasks/*.yaml jobs/study/*.yaml)) jobs/report/style.css jobs/report/script.js \
            $(PAGES)
MAIN_OBJ := $(BUILD)/jobs/einthoven.o
LIBS     := $(ROOMS:%=$(BUILD)/%.a) $(BUILD)/jobs/embedded.a
REAL_LIBS := $(REAL_ROOMS:%=$(BUILD)/f64/%.a)
PROGRAM  := $(BUILD)/einthoven

##@ Build
.PHONY: all
all: einthoven

# The link in the top folder always points to the configuration built last.
.PHONY: einthoven
einthoven: $(PROGRAM) ## the program; CC=clang, DEBUG=1, SANITIZE=address and more: top of the Makefile
	@ln -sf $(PROGRAM) einthoven

ifeq ($(V),1)
Q :=
else
Q := @
say = @echo "  $(1) $(2)"
endif

FLAGS_TEXT = $(CC) $(CFLAGS_ALL) $(CPPFLAGS_ALL) $(LDFLAGS)
$(BUILD)/flags: FORCE
	@mkdir -p $(BUILD); echo '$(FLAGS_TEXT)' | cmp -s - $@ || echo '$(FLAGS_TEXT)' > $@
FORCE:

# Numerics get the optimiser's full attention; everything else stays at -O2 without contraction. A file *_avx2.c or
# *_avx512.c is compiled for that set of vector instructions, and called only where the processor has it; where the
# compiler knows none of it, the file comes out empty. *_neon.c needs no flags: every aarch64 has it.
X86 := $(filter x86_64%,$(shell $(CC) -dumpmachine))
SET_OPT = $(if $(filter %_avx2,$1),$(if $(X86),-mavx2 -mfma -mbmi2)) \
          $(if $(filter %_avx512,$1),$(if $(X86),-mavx2 -mfma -mbmi2 -mavx512f -mavx512bw -mavx512dq -mavx512vl -mprefer-vector-width=512)) \
          $(if $(filter %_avx2 %_avx512 %_neon,$1),$(KERNEL_OPT))
$(BUILD)/core/%.o: EXTRA = $(if $(filter core/$*.c,$(REAL_SRC)),$(KERNEL_OPT)) $(call SET_OPT,$*)
$(BUILD)/io/picture/cairo.o: EXTRA = $(CAIRO_CFLAGS)
$(BUILD)/jobs/cli/version.o: EXTRA = -DEIN_VERSION='"$(VERSION)"' -DEIN_BUILD_FLAGS='"$(strip $(OPT) $(KERNEL_OPT))"'

$(BUILD)/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) $(HARDEN_CFLAGS) $(EXTRA) -MMD -MP -c $< -o $@

$(BUILD)/f64/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC64,$<)
	$(Q)$(CC) -DEIN_REAL_DOUBLE $(CPPFLAGS_ALL) $(CFLAGS_ALL) $(HARDEN_CFLAGS) $(KERNEL_OPT) -MMD -MP -c $< -o $@

# Presets, tasks, studies, schemas and the manual are part of the binary, so that one file is all a node needs. A file's name in C
# and in assembler is its path without extension, with _ for what is neither letter nor digit.
EMBEDDED_NAME = ein_file_$$(printf %s '$(basename $1)' | tr -c 'A-Za-z0-9' _)
$(BUILD)/embedded/%.o: % Makefile
	@mkdir -p $(@D)
	$(Q)name=$(call EMBEDDED_NAME,$<); \
	printf '.section .rodata\n.global %s\n.global %s_end\n%s:\n.incbin "$<"\n%s_end:\n.byte 0\n.section .note.GNU-stack,"",%%progbits\n' \
	    $$name $$name $$name $$name > $(@:.o=.s)
	$(Q)$(CC) -c $(@:.o=.s) -o $@

$(BUILD)/jobs/embedded.c: $(EMBEDDED) Makefile
	@mkdir -p $(@D)
	$(Q){ echo '/* Generated: the files that are part of the binary. */'; \
	  echo '#include "jobs/cli/embedded.h"'; \
	  $(foreach f,$(EMBEDDED),s=$(call EMBEDDED_NAME,$f); echo "extern const char $$s[], $${s}_end[];";) \
	  echo 'const ein_embedded ein_embedded_files[] = {'; \
	  $(foreach f,$(EMBEDDED),s=$(call EMBEDDED_NAME,$f); echo "    {\"$f\", $$s, $${s}_end},";) \
	  echo '    {0, 0, 0}};'; } > $@
$(BUILD)/jobs/embedded.o: $(BUILD)/jobs/embedded.c $(BUILD)/flags
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) $(HARDEN_CFLAGS) -MMD -MP -c $< -o $@

# An archive is made anew, so that a source that went away leaves nothing behind.
define archive
$(Q)rm -f $@ && ar rcs $@ $(filter %.o,$^)
endef
define room_rule
$(BUILD)/$1.a: $(patsubst %.c,$(BUILD)/%.o,$(call ROOM_SRC,$1))
	$$(archive)
endef
define real_room_rule
$(BUILD)/f64/$1.a: $(patsubst %.c,$(BUILD)/f64/%.o,$(filter $1/%,$(REAL_SRC)))
	$$(archive)
endef
$(foreach r,$(ROOMS),$(eval $(call room_rule,$r)))
$(foreach r,$(REAL_ROOMS),$(eval $(call real_room_rule,$r)))
$(BUILD)/jobs/embedded.a: $(EMBEDDED:%=$(BUILD)/embedded/%.o) $(SCHEMAS:%=$(BUILD)/embedded/%.o) $(BUILD)/jobs/embedded.o
	$(archive)

$(PROGRAM): $(MAIN_OBJ) $(LIBS)
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS_ALL) $(HARDEN_CFLAGS) $(LDFLAGS) $(HARDEN_LDFLAGS) $^ -o $@ $(LIBS_ALL)

# --- tests ---------------------------------------------------------------------------------------------
# Every tests/{unit,gradient,mpi}/test_*.c is one program that speaks TAP; every tests/*/test_*.sh is one
# script that speaks TAP. tests/run collects them.
TEST_C   := $(wildcard tests/unit/test_*.c tests/gradient/test_*.c tests/mpi/test_*.c)
TEST_BIN := $(TEST_C:%.c=$(BUILD)/%)
TEST_HELP := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/*.c))

$(BUILD)/tests/%.o: EXTRA = $(CHECK_CFLAGS) $(CAIRO_CFLAGS)
$(TEST_BIN): $(BUILD)/%: $(BUILD)/%.o $(TEST_HELP) $(REAL_LIBS) $(LIBS)
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS_ALL) $(HARDEN_CFLAGS) $(LDFLAGS) $(HARDEN_LDFLAGS) $^ -o $@ $(CHECK_LIBS) $(LIBS_ALL)

##@ Test
.PHONY: test tests-build test-quick
test: deps      ## install what is missing, build, run every test; ends with "N passed, N failed, N skipped"
	@$(MAKE) --no-print-directory einthoven tests-build
	@tests/run $(BUILD)
tests-build: $(TEST_BIN)
tests-compile: $(TEST_BIN:=.o) $(TEST_HELP)
# test_convert_inspect.sh has its checkpoint from a program of tests/mpi.
tests-unit-build: $(filter $(BUILD)/tests/unit/%,$(TEST_BIN)) $(BUILD)/tests/mpi/test_checkpoint $(PROGRAM)
test-quick: einthoven tests-build   ## the same without the package check
	@tests/run $(BUILD)

.PHONY: test-slurm
test-slurm:     ## a study, its survival and scoring on a private Slurm of four nodes: under 15 minutes
	@tests/deps.sh slurm
	@$(MAKE) --no-print-directory einthoven
	@tests/run $(BUILD) slurm

.PHONY: test-report
test-report:    ## the page of einthoven report in headless Chromium (Debian: chromium, chromium-driver), if it is there
	@$(MAKE) --no-print-directory einthoven
	@tests/run $(BUILD) browser

# --- everything else -----------------------------------------------------------------------------------
##@ Try
.PHONY: demo
demo: deps      ## a whole study on embedded synthetic cohorts: synthesise, ingest, pretrain, fine-tune, evaluate
	@$(MAKE) --no-print-directory einthoven
	@tests/demo.sh ./einthoven

##@ Build
.PHONY: deps
deps:           ## install missing Debian packages (as root), or name them
	@tests/deps.sh

PREFIX  ?= /usr/local
DESTDIR ?=
.PHONY: install
install: einthoven ## into PREFIX (/usr/local), below DESTDIR: program, man pages, completion, Slurm scripts, manual
	@jobs/cli/install.sh $(PROGRAM) '$(DESTDIR)$(PREFIX)'

.PHONY: clean
clean:          ## remove everything built
	@rm -rf build einthoven compile_commands.json

##@ Change
.PHONY: lint
lint: $(PROGRAM) ## layering, exports without a caller, banned words, shell scripts, static analysis
	@EIN_BUILD=$(BUILD) tests/lint.sh

.PHONY: graph
graph:          ## which folder includes which, and whatever goes against the order of ROOMS or round in a circle
	@tests/graph.sh

.PHONY: format
format:         ## clang-format in place
	@clang-format -i $$(git ls-files '*.c' '*.h')

.PHONY: hooks
hooks:          ## have git check format and rules before each commit
	@tests/hooks.sh

# What editors and clang tools ask for: how each source is compiled. Flags of single files (EXTRA) are left out.
COMPILED := $(LIB_SRC) jobs/einthoven.c $(TEST_C) $(wildcard tests/*.c)
compile_commands.json: $(BUILD)/flags Makefile ## how each source is compiled, for editors and clangd
	@set -- '$(subst ','\'',$(CC) $(CPPFLAGS_ALL) $(CHECK_CFLAGS) $(CAIRO_CFLAGS) $(CFLAGS_ALL))'; \
	command=$$(printf '%s' "$$1" | sed 's/[\\"]/\\&/g'); here=$$(pwd | sed 's/[\\"]/\\&/g'); \
	{ before='['; for f in $(COMPILED); do \
	    printf '%s\n{"directory": "%s", "file": "%s", "command": "%s -c %s"}' "$$before" "$$here" "$$f" "$$command" "$$f"; \
	    before=','; done; printf '\n]\n'; } > $@

.PHONY: help
help:           ## this list
	@awk -f tests/make_help.awk Makefile tests/targets.mk

-include tests/targets.mk
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
