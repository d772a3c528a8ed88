/* SPDX-License-Identifier: MIT */
#include "session.h"

#include <sched.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "facts.h"
#include "session_tree.h"
#include "workload.h"

/* linux/capability.h */
#define CAP_SYS_TIME_BIT 25
#define LOW_CAPABILITIES 0xff /* CAP_SETGID and CAP_SETUID among them */

#define LINE             "Ada\n"

/* linux/filter.h: all calls but personality(2), which fails with EPERM, are allowed. */
struct filter_instruction {
  uint16_t code;
  uint8_t jump_true, jump_false;
  uint32_t k;
};

#if defined(__aarch64__)
#define NUMBER_PERSONALITY 92
#else
#define NUMBER_PERSONALITY 135
#endif

static void put_filter(struct term *term) {
  static const struct filter_instruction filter[] = {
      {0x20, 0, 0, 0},                  /* the call's number */
      {0x15, 0, 1, NUMBER_PERSONALITY}, /* is it this one? */
      {0x06, 0, 0, 0x00050001},         /* SECCOMP_RET_ERRNO, EPERM */
      {0x06, 0, 0, 0x7fff0000},         /* SECCOMP_RET_ALLOW */
  };
  term_tuple(term, 2);
  term_atom(term, "seccomp_install");
  term_binary(term, filter, sizeof filter);
}

static void put_drop_bounding(struct term *term) {
  term_tuple(term, 2);
  term_atom(term, "cap_drop_bounding");
  term_integer(term, 1 << CAP_SYS_TIME_BIT);
}

static void put_set_thread(struct term *term) {
  term_tuple(term, 4);
  term_atom(term, "cap_set_thread");
  for (int i = 0; i < 3; i++)
    term_integer(term, LOW_CAPABILITIES);
}

static void put_set_ambient(struct term *term) {
  term_tuple(term, 2);
  term_atom(term, "cap_set_ambient");
  term_integer(term, 3);
}

static void put_credentials(struct term *term) {
  term_tuple(term, 4);
  term_atom(term, "set_credentials");
  term_integer(term, 1234);
  term_integer(term, 2345);
  term_list(term, 2);
  term_integer(term, 2345);
  term_integer(term, 3456);
  term_nil(term);
}

static void put_loopback(struct term *term) {
  term_atom(term, "loopback");
}

static void put_umask(struct term *term) {
  term_tuple(term, 2);
  term_atom(term, "umask");
  term_integer(term, 027);
}

static void put_nice(struct term *term) {
  term_tuple(term, 2);
  term_atom(term, "nice");
  term_integer(term, 5);
}

static void put_rlimit(struct term *term) {
  term_tuple(term, 4);
  term_atom(term, "rlimit");
  term_atom(term, "core");
  term_integer(term, 0);
  term_integer(term, 4096);
}

static void put_scheduler(struct term *term) {
  term_tuple(term, 3);
  term_atom(term, "scheduler");
  term_atom(term, "batch");
  term_map(term, 0);
}

static void put_cpus(struct term *term) {
  term_tuple(term, 2);
  term_atom(term, "cpu_affinity");
  term_list(term, 1);
  term_integer(term, 0);
  term_nil(term);
}

static void put_io(struct term *term) {
  term_tuple(term, 3);
  term_atom(term, "io_priority");
  term_atom(term, "idle");
  term_integer(term, 0);
}

static void put_personality(struct term *term) {
  term_tuple(term, 2);
  term_atom(term, "personality");
  term_integer(term, 0x40000);
}

static void put_securebits(struct term *term) {
  term_tuple(term, 2);
  term_atom(term, "securebits");
  term_integer(term, 64);
}

static void put_keep(struct term *term) {
  term_tuple(term, 2);
  term_atom(term, "keep_capabilities");
  term_atom(term, "true");
}

static void put_no_new_privs(struct term *term) {
  term_atom(term, "no_new_privs");
}

static void put_hostname(struct term *term) {
  term_tuple(term, 2);
  term_atom(term, "hostname");
  term_text(term, "fault");
}

static void put_sysctl(struct term *term) {
  term_tuple(term, 3);
  term_atom(term, "sysctl");
  term_text(term, "net.ipv4.ip_default_ttl");
  term_text(term, "77");
}

static void put_chdir(struct term *term) {
  term_tuple(term, 2);
  term_atom(term, "chdir");
  term_text(term, "/usr");
}

static void put_domainname(struct term *term) {
  term_tuple(term, 2);
  term_atom(term, "domainname");
  term_text(term, "fault");
}

/* A number, so that the gid and the groups of an entry are the same on every host: there is none.
 */
static void put_user(struct term *term) {
  term_tuple(term, 3);
  term_atom(term, "set_user");
  term_text(term, "61234");
  term_list(term, 2);
  term_text(term, "root");
  term_text(term, "3456");
  term_nil(term);
}

static void put_winsize(struct term *term) {
  term_tuple(term, 2);
  term_atom(term, "pty_winsize");
  term_tuple(term, 4);
  term_integer(term, 25);
  term_integer(term, 81);
  term_integer(term, 0);
  term_integer(term, 0);
}

void session_proceed(struct term *term) {
  term_atom(term, "proceed");
}

void session_abort(struct term *term) {
  term_atom(term, "abort");
}

void session_signal_tree(struct term *term) {
  term_tuple(term, 3);
  term_atom(term, "signal");
  term_integer(term, SIGTERM);
  term_atom(term, "tree");
}

void session_close_stdin(struct term *term) {
  term_tuple(term, 2);
  term_atom(term, "close");
  term_atom(term, "stdin");
}

void session_line(struct term *term) {
  term_tuple(term, 2);
  term_atom(term, "pty_in");
  term_text(term, LINE);
}

void session_data(struct term *term, size_t size) {
  static uint8_t bytes[512 << 10];
  for (size_t i = 0; i < size; i++)
    bytes[i] = (uint8_t)(i % 251);
  term_tuple(term, 2);
  term_atom(term, "stdin");
  term_binary(term, bytes, size);
}

void session_demand(struct term *term, const char *stream, int bytes) {
  term_tuple(term, 3);
  term_atom(term, "demand");
  term_atom(term, stream);
  term_integer(term, bytes);
}

static const char *const isolated[] = {"pid", "mount", "uts", "ipc", "net", NULL};
static const char *const with_user[] = {"user", "pid", "mount", "uts", "ipc", "net", NULL};
static const char *const late[] = {"uts", "net", "cgroup", NULL};
static const char *const clocks[] = {"time", "cgroup", NULL};
static const char *const user_and_time[] = {"user", "time", NULL};
static const char *const user_only[] = {"user", NULL};

static put_command *const all_commands[] = {put_drop_bounding, put_set_thread, put_set_ambient,
                                            put_credentials,   put_filter,     NULL};
static put_command *const set_up[] = {put_drop_bounding, put_set_thread, put_set_ambient, NULL};
static put_command *const seal[] = {put_filter, put_credentials, NULL};
static put_command *const two_filters[] = {put_filter, put_filter, NULL};
static put_command *const credentials[] = {put_credentials, NULL};
static put_command *const loopback[] = {put_loopback, NULL};
static put_command *const account[] = {put_umask, put_nice, put_user, NULL};
static put_command *const names[] = {put_hostname, put_domainname, put_sysctl, NULL};
static put_command *const directories[] = {put_chdir, put_sysctl, NULL};
static put_command *const allowance[] = {put_rlimit, put_scheduler,    put_cpus,
                                         put_io,     put_personality,  put_securebits,
                                         put_keep,   put_no_new_privs, NULL};
static put_command *const winsize[] = {put_winsize, NULL};

static const char *const filtered[] = {"NoNewPrivs:\t1", "Seccomp:\t2", NULL};
static const char *const given_up[] = {"Uid:\t1234\t1234\t1234\t1234",
                                       "Gid:\t2345\t2345\t2345\t2345",
                                       "Groups:\t2345 3456 ",
                                       "CapInh:\t00000000000000ff",
                                       "CapPrm:\t0000000000000003",
                                       "CapEff:\t0000000000000003",
                                       "CapAmb:\t0000000000000003",
                                       "NoNewPrivs:\t1",
                                       "Seccomp:\t2",
                                       NULL};
static const char *const named[] = {"Uid:\t61234\t61234\t61234\t61234", "Gid:\t0\t0\t0\t0",
                                    "Groups:\t0 3456 ", NULL};
static const char *const offset[] = {"clock boottime 77", NULL};
static const char *const host_names[] = {"Uid:\t0\t0\t0\t0", NULL};
static const char *const in_usr[] = {"cwd /usr", NULL};
static const char *const allowed[] = {"NoNewPrivs:\t1", "personality 00040000", "core 0 4096",
                                      NULL};
static const char *const loopback_up[] = {"loopback up", NULL};
static const char *const mapped[] = {"Uid:\t100000\t100000\t100000\t100000",
                                     "Gid:\t100000\t100000\t100000\t100000", "Groups:\t ", NULL};
static const char *const mapped_ids[] = {"Uid:\t101234\t101234\t101234\t101234",
                                         "Gid:\t102345\t102345\t102345\t102345",
                                         "Groups:\t102345 103456 ", NULL};
static const char *const slave[] = {"propagation master:", NULL};

const struct session sessions[] = {
    {.name = "plain", .owner = OWNER_CURRENT, .workload = "exit"},
    {.name = "pooled", .owner = OWNER_CURRENT, .workload = "exit", .pooled = true},
    {.name = "pooled_isolated",
     .owner = OWNER_ROOT,
     .workload = "exit",
     .namespaces = isolated,
     .pooled = true},
    {.name = "keep", .owner = OWNER_CURRENT, .keeps = true, .terminal = "kept"},
    {.name = "keep_ordinary", .owner = OWNER_ORDINARY, .keeps = true, .terminal = "kept"},
    {.name = "checkpoint",
     .owner = OWNER_ROOT,
     .workload = "exit",
     .parks = true,
     .commands = all_commands,
     .facts = given_up},
    {.name = "lists",
     .owner = OWNER_ROOT,
     .workload = "exit",
     .setup = set_up,
     .seal = seal,
     .no_new_privs = true,
     .cwd = "/proc",
     .facts = given_up},
    {.name = "filters",
     .owner = OWNER_ORDINARY,
     .workload = "exit",
     .parks = true,
     .commands = two_filters,
     .usage = true,
     .facts = filtered},
    {.name = "abort",
     .owner = OWNER_CURRENT,
     .workload = "exit",
     .parks = true,
     .on_parked = ACT_ABORT,
     .terminal = "aborted"},
    {.name = "isolated",
     .owner = OWNER_ROOT,
     .workload = "exit",
     .namespaces = isolated,
     .facts = slave},
    {.name = "late_namespaces",
     .owner = OWNER_ROOT,
     .workload = "exit",
     .namespaces = late,
     .parks = true,
     .commands = all_commands,
     .facts = given_up},
    {.name = "loopback",
     .owner = OWNER_ROOT,
     .workload = "exit",
     .namespaces = late,
     .setup = loopback,
     .facts = loopback_up},
    {.name = "account", .owner = OWNER_ROOT, .workload = "exit", .seal = account, .facts = named},
    {.name = "names",
     .owner = OWNER_ROOT,
     .workload = "exit",
     .namespaces = late,
     .setup = names,
     .facts = host_names},
    {.name = "directories",
     .owner = OWNER_ROOT,
     .workload = "exit",
     .namespaces = late,
     .cwd = "/proc",
     .seal = directories,
     .facts = in_usr},
    {.name = "allowance",
     .owner = OWNER_ROOT,
     .workload = "exit",
     .seal = allowance,
     .facts = allowed},
    {.name = "tree",
     .owner = OWNER_ROOT,
     .workload = "exit",
     .namespaces = isolated,
     .setup = session_tree,
     .facts = session_tree_facts},
    {.name = "clocks",
     .owner = OWNER_ROOT,
     .workload = "exit",
     .namespaces = clocks,
     .boottime = 77,
     .facts = offset},
    {.name = "clocks_rootless",
     .owner = OWNER_ORDINARY,
     .workload = "exit",
     .namespaces = user_and_time,
     .parks = true,
     .map = MAP_OWN,
     .boottime = 77,
     .facts = offset},
    {.name = "user",
     .owner = OWNER_ROOT,
     .workload = "exit",
     .namespaces = with_user,
     .parks = true,
     .map = MAP_RANGE,
     .facts = mapped},
    {.name = "user_given",
     .owner = OWNER_ROOT,
     .workload = "exit",
     .namespaces = with_user,
     .gives_map = true,
     .oom_score = 500,
     .facts = mapped},
    {.name = "user_ids",
     .owner = OWNER_ROOT,
     .workload = "exit",
     .namespaces = user_only,
     .parks = true,
     .commands = credentials,
     .map = MAP_RANGE,
     .facts = mapped_ids},
    {.name = "rootless",
     .owner = OWNER_ORDINARY,
     .workload = "exit",
     .namespaces = with_user,
     .parks = true,
     .map = MAP_OWN},
    {.name = "enter", .owner = OWNER_ROOT, .workload = "exit", .target = TARGET_CONTAINER},
    {.name = "enter_parked",
     .owner = OWNER_ROOT,
     .workload = "exit",
     .target = TARGET_CONTAINER,
     .parks = true,
     .commands = all_commands,
     .facts = given_up},
    {.name = "enter_no_pid", .owner = OWNER_ROOT, .workload = "exit", .target = TARGET_SHARED_PIDS},
    {.name = "enter_user",
     .owner = OWNER_ROOT,
     .workload = "exit",
     .target = TARGET_USER,
     .facts = mapped},
    {.name = "enter_rootless",
     .owner = OWNER_ORDINARY,
     .workload = "exit",
     .target = TARGET_ROOTLESS},
    {.name = "pty",
     .owner = OWNER_CURRENT,
     .workload = "talk",
     .stdio = STDIO_PTY,
     .on_output = ACT_TYPE},
    {.name = "pty_demand",
     .owner = OWNER_CURRENT,
     .workload = "talk",
     .stdio = STDIO_PTY,
     .demand = true,
     .parks = true,
     .commands = winsize,
     .on_running = ACT_TYPE},
    {.name = "pipes",
     .owner = OWNER_CURRENT,
     .workload = "copy",
     .stdio = STDIO_PIPES,
     .on_running = ACT_FEED},
    {.name = "pipes_demand",
     .owner = OWNER_CURRENT,
     .workload = "copy",
     .stdio = STDIO_PIPES,
     .demand = true,
     .on_running = ACT_FEED},
    {.name = "files", .owner = OWNER_CURRENT, .workload = "words", .stdio = STDIO_FILES},
    {.name = "descendants",
     .owner = OWNER_CURRENT,
     .workload = "daemon",
     .kills_descendants = true,
     .usage = true},
    {.name = "signal_tree",
     .owner = OWNER_CURRENT,
     .workload = "pause",
     .kills_descendants = true,
     .grace_ms = 20,
     .on_running = ACT_SIGNAL,
     .terminal = "signaled",
     .value = SIGTERM},
    {.name = "orphan",
     .owner = OWNER_CURRENT,
     .workload = "pause",
     .grace_ms = 2000,
     .on_running = ACT_CLOSE_IN,
     .terminal = "signaled",
     .value = SIGTERM},
    {.name = "orphan_stubborn",
     .owner = OWNER_CURRENT,
     .workload = "stubborn",
     .stdio = STDIO_PIPES,
     .kills_descendants = true,
     .grace_ms = 20,
     .on_output = ACT_CLOSE_IN,
     .terminal = "signaled",
     .value = SIGKILL},
    {.name = "orphan_parked",
     .owner = OWNER_CURRENT,
     .workload = "exit",
     .parks = true,
     .on_parked = ACT_CLOSE_IN,
     .terminal = "signaled",
     .value = SIGKILL},
    {.name = "beam_death",
     .owner = OWNER_CURRENT,
     .workload = "stubborn",
     .stdio = STDIO_PIPES,
     .kills_descendants = true,
     .grace_ms = 20,
     .on_output = ACT_CLOSE_BOTH},
};

const int session_count = sizeof sessions / sizeof sessions[0];

const struct session *session_find(const char *name) {
  for (int i = 0; i < session_count; i++)
    if (strcmp(sessions[i].name, name) == 0)
      return &sessions[i];
  return NULL;
}

bool session_is_possible(const struct session *session) {
  return session->owner != OWNER_ROOT || geteuid() == 0;
}

unsigned long session_namespaces(const struct session *session) {
  unsigned long flags = 0;
  if (session->target != TARGET_NONE)
    return target_namespaces(session->target);
  for (const char *const *name = session->namespaces; name != NULL && *name != NULL; name++)
    for (int i = 0; i < NAMESPACES; i++)
      if (strcmp(namespace_names[i].link, strcmp(*name, "mount") == 0 ? "mnt" : *name) == 0)
        flags |= namespace_names[i].flag;
  return flags;
}
