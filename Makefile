# SPDX-License-Identifier: MIT

# `make` builds the agent, `make help` lists the rest.
#
# The variables are those that Elixir packages with a Makefile share: MIX_APP_PATH (the agent
# goes to its priv/ instead of the checkout's), ERL_EI_INCLUDE_DIR, ERL_EI_LIBDIR, CC, CFLAGS,
# LDFLAGS, CROSSCOMPILE.

.DEFAULT_GOAL := agent
.SECONDEXPANSION:
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

# An environment that does not name a compiler leaves the choice to scripts/toolchain.
ifneq ($(filter default undefined,$(origin CC)),)
CC :=
endif

# FOR_APP: whether this make is to call another one, in MIX_APP_PATH/obj; IN_OBJ: whether this is that one.
FOR_APP := $(if $(IN_OBJ),,$(if $(value MIX_APP_PATH),yes))
PRIV := $(if $(IN_OBJ),../priv,priv)
AGENT := $${MIX_APP_PATH:+$$MIX_APP_PATH/}priv/linx_process

# make(1) splits targets and prerequisites at spaces, so each of them is a relative path. MIX_APP_PATH and
# the settings are read by the shell alone, because they may hold any character.
export CC CFLAGS LDFLAGS CROSSCOMPILE ERL_EI_INCLUDE_DIR ERL_EI_LIBDIR

SOURCES := $(sort $(wildcard c_src/*.c c_src/*/*.c))
UNIT_TESTS := $(sort $(wildcard c_test/test_*.c))
FUZZERS := $(sort $(wildcard c_test/fuzz_*.c))
TEST_PROGRAMS := $(sort $(wildcard test/support/*.c))
FAULT_SOURCES := $(sort $(wildcard test/fault/*.c))
BENCH_PROGRAMS := $(sort $(wildcard bench/*.c))
C_FILES = $(sort $(wildcard c_src/*.[ch] c_src/*/*.[ch] c_test/*.[ch] test/support/*.[ch] test/fuzz/*.[ch] \
	test/fault/*.[ch] bench/*.c))

WARNINGS := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wswitch-enum -Wformat=2
DIALECT := -std=c11 -D_GNU_SOURCE -Ic_src
HARDENING := -fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
SECTIONS := -ffunction-sections -fdata-sections
LINK_HARDENING := -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--gc-sections

HOST_CC := gcc
HOST_CLANG := clang
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

say = @printf '  %-5s %s\n' $(1) $(2)

# The toolchain is found once and again whenever one of these settings changes. Mix starts make
# with SIGPIPE ignored, so that printf would print an error when cmp stops reading.

SETTINGS = "$$CC|$$CROSSCOMPILE|$$CFLAGS|$$LDFLAGS|$$ERL_EI_INCLUDE_DIR|$$ERL_EI_LIBDIR" \
	"$$(command -v musl-gcc; command -v cc; command -v erl)"

build/release/settings: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' $(SETTINGS) 2>/dev/null | cmp -s - $@ || printf '%s\n' $(SETTINGS) >$@

build/release/toolchain.mk: build/release/settings scripts/toolchain
	@scripts/toolchain >$@.$$$$ && mv $@.$$$$ $@

WITHOUT_TOOLCHAIN := help clean clean-agent install-deps test demo bench fuzz soak format \
	check-format cppcheck shellcheck $(if $(FOR_APP),agent)
ifneq ($(filter-out $(WITHOUT_TOOLCHAIN),$(or $(MAKECMDGOALS),agent)),)
include build/release/toolchain.mk
endif

# variant NAME, DIRECTORY: objects of every agent source, with NAME's compiler and flags, an
# archive of all but the main program for tests to link with, and the linked agent.

define variant
$(1)_OBJECTS := $$(SOURCES:c_src/%.c=$(2)/%.o)

$(2)/%.o: c_src/%.c build/release/toolchain.mk Makefile
	$$(call say,CC,$$@)
	@mkdir -p $$(@D)
	@$$($(1)_CC) $(DIALECT) $(WARNINGS) $$($(1)_FLAGS) $$(CFLAGS) -isystem $$(EI_INCLUDE) \
		-MMD -MP -c $$< -o $$@

$(2)/linx_process: $$($(1)_OBJECTS)
	$$(call say,LD,$$@)
	@$$($(1)_CC) $$($(1)_FLAGS) $$(CFLAGS) $$^ $$(EI_LIBRARY) $$($(1)_LINK) $$(LDFLAGS) -o $$@

$(2)/libagent.a: $$(filter-out $(2)/linx_process.o,$$($(1)_OBJECTS))
	$$(call say,AR,$$@)
	@rm -f $$@
	@ar rcs $$@ $$^

-include $$($(1)_OBJECTS:.o=.d)
endef

RELEASE_CC = $(AGENT_CC)
# Every mapping and page costs a session twice, at exec and at fork: so small code, no unwind tables, and
# code and constants in one segment.
RELEASE_FLAGS = -Os -fno-asynchronous-unwind-tables $(AGENT_CODE) $(HARDENING) $(SECTIONS)
RELEASE_LINK = $(AGENT_LINK) $(LINK_HARDENING) -Wl,-z,noseparate-code -s
$(eval $(call variant,RELEASE,build/release))

DEBUG_CC = $(HOST_CC)
DEBUG_FLAGS = -Og -g3
$(eval $(call variant,DEBUG,build/debug))

ASAN_CC = $(HOST_CC)
ASAN_FLAGS = -O1 -g $(SANITIZE)
$(eval $(call variant,ASAN,build/asan))

build/asan/linx_process: build/asan/options/sanitizer.o

build/asan/options/%.o: c_test/%.c Makefile
	$(call say,CC,$@)
	@mkdir -p $(@D)
	@$(ASAN_CC) $(DIALECT) $(WARNINGS) $(ASAN_FLAGS) -c $< -o $@

FUZZ_CC = $(HOST_CLANG)
FUZZ_FLAGS = -O1 -g -fsanitize=fuzzer-no-link $(SANITIZE)
$(eval $(call variant,FUZZ,build/fuzz))

# Both compilers and both libcs must take the sources without a warning.
CLANG_CC = $(HOST_CLANG)
CLANG_FLAGS = -O2 $(HARDENING)
$(eval $(call variant,CLANG,build/clang))

GLIBC_CC = $(HOST_CC)
GLIBC_FLAGS = -O2 $(HARDENING)
$(eval $(call variant,GLIBC,build/glibc))

ARM64_CC = $(HOST_CLANG) --target=aarch64-linux-gnu -isystem /usr/aarch64-linux-gnu/include
ARM64_FLAGS = -O2
$(eval $(call variant,ARM64,build/arm64))

# The agent, put into place by rename: one that runs keeps its file.

.PHONY: agent clean-agent
ifeq ($(FOR_APP),)
agent: build/release/linx_process
	@cmp -s $< $(PRIV)/linx_process || { mkdir -p $(PRIV) && \
		printf '  %-5s %s (%s)\n' PRIV "$(AGENT)" '$(AGENT_LIBC)' && \
		cp $< $(PRIV)/linx_process.$$$$ && mv $(PRIV)/linx_process.$$$$ $(PRIV)/linx_process; }

clean-agent:
	@rm -rf build/release $(PRIV)/linx_process
else
# A make of its own in MIX_APP_PATH/obj, where links lead to the sources. So nothing is written to the
# checkout, no two applications share an object, and the paths that make sees are relative ones.
OBJ := "$$MIX_APP_PATH"/obj
agent:
	@mkdir -p $(OBJ)
	@ln -sfn "$$PWD/Makefile" "$$PWD/c_src" "$$PWD/scripts" $(OBJ)
	@$(MAKE) --no-print-directory -C $(OBJ) IN_OBJ=yes agent

clean-agent:
	@rm -rf $(OBJ) "$(AGENT)"
endif

# An agent whose child never shares its memory (c_src/launch/sharing.c), so that both ways are tested.
COPYING_CC = $(RELEASE_CC)
COPYING_FLAGS = $(RELEASE_FLAGS) -DLINX_NEVER_SHARES
COPYING_LINK = $(RELEASE_LINK)
$(eval $(call variant,COPYING,build/copying))

.PHONY: debug sanitize portable copying check-child
copying: build/copying/linx_process ## build/copying/linx_process, whose child has a copy of its memory
check-child: build/release/linx_process ## Check that the child calls nothing that writes errno or uses the heap
	@scripts/check-child build/release
debug: build/debug/linx_process ## build/debug/linx_process, for gdb and valgrind
sanitize: build/asan/linx_process ## build/asan/linx_process, with ASan and UBSan
portable: build/clang/linx_process build/glibc/linx_process $$(ARM64_OBJECTS) ## Compile with gcc and clang, glibc and musl, and for arm64
portable: agent

# Programs that the test suite runs: static, because they also run where there is no libc.

TEST_FLAGS := -O1 -g $(DIALECT) $(WARNINGS)
PROGRAMS := $(TEST_PROGRAMS:test/support/%.c=build/test/%)

build/test/%: test/support/%.c build/release/toolchain.mk Makefile
	$(call say,CC,$@)
	@mkdir -p $(@D)
	@$(AGENT_CC) $(TEST_FLAGS) $(AGENT_CODE) -MMD -MP $< $(AGENT_LINK) -o $@

build/test/filter: test/support/filter.c Makefile
	$(call say,CC,$@)
	@mkdir -p $(@D)
	@$(HOST_CC) $(TEST_FLAGS) -MMD -MP $< -lseccomp -o $@

-include $(PROGRAMS:%=%.d)

# The fault injection: one program of several files, which is also the workload of its sessions.

FAULT_OBJECTS := $(FAULT_SOURCES:test/fault/%.c=build/fault/%.o)

build/fault/%.o: test/fault/%.c build/release/toolchain.mk Makefile
	$(call say,CC,$@)
	@mkdir -p $(@D)
	@$(AGENT_CC) $(TEST_FLAGS) $(AGENT_CODE) -MMD -MP -c $< -o $@

build/test/fault: $(FAULT_OBJECTS)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	@$(AGENT_CC) $(AGENT_CODE) $^ $(AGENT_LINK) -o $@

-include $(FAULT_OBJECTS:.o=.d)

BENCH := $(BENCH_PROGRAMS:bench/%.c=build/bench/%)

build/bench/%: bench/%.c build/release/toolchain.mk Makefile
	$(call say,CC,$@)
	@mkdir -p $(@D)
	@$(AGENT_CC) -O2 $(DIALECT) $(WARNINGS) $(AGENT_CODE) -MMD -MP $< $(AGENT_LINK) -o $@

-include $(BENCH:%=%.d)

.PHONY: test-programs bench-programs
test-programs: $(PROGRAMS) build/test/fault ## The probe and its kin, which the test suite runs
	@:
bench-programs: $(BENCH) ## The programs that the benchmarks run
	@:

# Unit tests of the pure modules (cmocka), under ASan and UBSan.

UNIT := $(UNIT_TESTS:c_test/%.c=build/unit/%)

build/unit/%: c_test/%.c build/asan/libagent.a Makefile
	$(call say,CC,$@)
	@mkdir -p $(@D)
	@$(HOST_CC) $(DIALECT) $(WARNINGS) $(ASAN_FLAGS) -isystem $(EI_INCLUDE) -MMD -MP $< \
		build/asan/libagent.a $(EI_LIBRARY) -lcmocka -o $@

-include $(UNIT:%=%.d)

.PHONY: unit
unit: $(UNIT) ## The C unit tests, built and run
	@status=0; for test in $^; do ./$$test || status=1; done; exit $$status

# The fuzzers (libFuzzer) of the decoders.

FUZZ_SECONDS ?= 600
FUZZ := $(FUZZERS:c_test/%.c=build/fuzz/%)

build/fuzz/fuzz_%: c_test/fuzz_%.c build/fuzz/libagent.a Makefile
	$(call say,CC,$@)
	@mkdir -p $(@D)
	@$(HOST_CLANG) $(DIALECT) $(WARNINGS) $(FUZZ_FLAGS) -fsanitize=fuzzer \
		-isystem $(EI_INCLUDE) -MMD -MP $< build/fuzz/libagent.a $(EI_LIBRARY) -o $@

-include $(FUZZ:%=%.d)

.PHONY: fuzzers fuzz
fuzzers: $(FUZZ)
fuzz: ## Fuzz the decoders, FUZZ_SECONDS (600) each
	@scripts/install test
	@$(MAKE) --no-print-directory fuzzers
	@scripts/fuzz $(FUZZ_SECONDS)

# Sessions at random against the sanitized agent (test/fuzz/session_fuzz.c). Static like the test
# programs, because it is the workload as well.

SESSION_FUZZ := build/session/session_fuzz

build/session/%.o: test/fuzz/%.c build/release/toolchain.mk Makefile
	$(call say,CC,$@)
	@mkdir -p $(@D)
	@$(AGENT_CC) $(TEST_FLAGS) $(AGENT_CODE) -MMD -MP -c $< -o $@

SESSION_OBJECTS := $(patsubst test/fuzz/%.c,build/session/%.o,$(sort $(wildcard test/fuzz/*.c)))

$(SESSION_FUZZ): $(SESSION_OBJECTS)
	$(call say,LD,$@)
	@$(AGENT_CC) $(TEST_FLAGS) $(AGENT_CODE) $^ $(AGENT_LINK) -o $@

-include $(SESSION_OBJECTS:.o=.d)

.PHONY: session-fuzz
session-fuzz: $(SESSION_FUZZ) build/asan/linx_process

# What takes longer than a test may. soak-sessions runs for SOAK_SECONDS, soak-faults until every fault
# has been injected once.

SOAK_SECONDS ?= 1800
SOAK := soak-sessions soak-faults

.PHONY: soak $(SOAK)
soak: ## Sessions at random for SOAK_SECONDS (1800), and every fault that can be injected
	@scripts/install test
	@$(MAKE) --no-print-directory --keep-going $(SOAK)

soak-sessions: session-fuzz
	@$(SESSION_FUZZ) build/asan/linx_process seconds=$(SOAK_SECONDS) seeds=test/fuzz/seeds keep-going

soak-faults: agent build/test/fault
	@build/test/fault "$(AGENT)"

# The linters. Versions differ in their taste, so the layout is that of clang-format 14. cppcheck
# does not know that the kernel reads a struct, nor that execve(2) sets the type of its arrays.

CLANG_FORMAT = $(or $(shell command -v clang-format-14),clang-format)
CLANG_TIDY = $(or $(shell command -v clang-tidy-14),clang-tidy)
SHELL_SCRIPTS = $(sort $(wildcard scripts/*) .ci/run bench/run examples/demo)

.PHONY: check-format format cppcheck tidy shellcheck
format: ## Lay out every C and Elixir file
	@$(CLANG_FORMAT) -i $(C_FILES)
	@mix format

check-format:
	@$(CLANG_FORMAT) --dry-run --Werror $(C_FILES)

cppcheck:
	@cppcheck --quiet --error-exitcode=1 --inline-suppr --std=c11 --platform=unix64 -D_GNU_SOURCE \
		--enable=warning,style,performance,portability --suppress=missingIncludeSystem \
		--suppress=unusedStructMember --suppress=constParameter \
		-Ic_src c_src

tidy: $(SOURCES:c_src/%.c=build/clang-tidy/%)

build/clang-tidy/%: c_src/%.c $$(wildcard c_src/*.h c_src/*/*.h) .clang-tidy
	$(call say,TIDY,$<)
	@mkdir -p $(@D)
	@$(CLANG_TIDY) --quiet $< -- $(DIALECT) $(WARNINGS) -isystem $(EI_INCLUDE) 2>$@.log || \
		{ cat $@.log; exit 1; }
	@touch $@

shellcheck:
	@shellcheck $(SHELL_SCRIPTS)

# What a person types.

.PHONY: demo test bench install-deps clean help FORCE
demo: ## A session from start to end, printed step by step
	@scripts/install demo
	@examples/demo

test: ## Everything: tests in C and Elixir, as root and not, sanitizers, linters
	@scripts/install test
	@scripts/test

bench: ## Medians and ratios against raw ports, unshare, bubblewrap
	@scripts/install bench
	@bench/run

install-deps: ## Install what building, testing and measuring need
	@scripts/install build test bench

clean: clean-agent ## Remove everything that was built
	@rm -rf build _build

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile
	@printf '  make %-14s %s\n' '' 'Alone: the agent, priv/linx_process'
