/* SPDX-License-Identifier: MIT */
#include "agent/lend_tty.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/poll_wait.h"
#include "wire/etf.h"

/* Milliseconds between two looks at the terminal's size, which are needed because SIGWINCH goes to
 * its foreground group, and a port program is not in that. A person who drags a window does not see
 * the difference. */
#define LOOK_MS 150

/* The signals that ask a program to end. The settings are restored before the agent does. */
static int open_signals(void) {
  static const int ending[] = {SIGTERM, SIGHUP, SIGINT, SIGQUIT};
  sigset_t set;
  sigemptyset(&set);
  for (size_t i = 0; i < sizeof ending / sizeof ending[0]; i++)
    sigaddset(&set, ending[i]);
  if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
    return -errno;
  int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  return fd < 0 ? -errno : fd;
}

static void tell_size(struct channel_out *out, struct winsize *told) {
  struct winsize size;
  struct frame frame;
  if (ioctl(STDIN_FILENO, TIOCGWINSZ, &size) < 0 || memcmp(&size, told, sizeof size) == 0)
    return;
  *told = size;
  frame_winsize(&frame, size.ws_row, size.ws_col, size.ws_xpixel, size.ws_ypixel);
  if (channel_out_frame(out, &frame) < 0)
    out->broken = true;
}

static void tell_settings(struct channel_out *out, const struct termios *settings) {
  struct frame frame;
  frame_data_header(&frame, "settings", sizeof *settings);
  memcpy(frame.bytes + frame.length, settings, sizeof *settings);
  frame.length += (int)sizeof *settings;
  if (channel_out_frame(out, &frame) < 0)
    out->broken = true;
}

/* {restore, <<settings>>}, as tell_settings has them. */
static bool is_restore(const uint8_t *payload, size_t size, struct termios *settings) {
  struct term_reader reader;
  char name[TERM_ATOM_SIZE];
  const uint8_t *bytes = NULL;
  size_t length = 0;
  int arity = 0;
  if (term_reader_init(&reader, payload, size) < 0 || term_read_tuple(&reader, &arity) < 0 ||
      arity != 2 || term_read_atom(&reader, name) < 0 || strcmp(name, "restore") != 0 ||
      term_read_binary(&reader, &bytes, &length) < 0 || length != sizeof *settings)
    return false;
  memcpy(settings, bytes, sizeof *settings);
  return true;
}

/* Whether the settings to restore have come. Every other frame is skipped. */
static bool take_restore(struct channel_in *in, struct termios *settings) {
  const uint8_t *payload = NULL;
  size_t size = 0;
  int found = 0;
  while ((found = channel_in_next(in, FRAME_SIZE, &payload, &size)) != 0)
    if (found > 0 && is_restore(payload, size, settings))
      return true;
  return false;
}

static bool are_same(const struct termios *one, const struct termios *other) {
  return one->c_iflag == other->c_iflag && one->c_oflag == other->c_oflag &&
         one->c_cflag == other->c_cflag && one->c_lflag == other->c_lflag &&
         memcmp(one->c_cc, other->c_cc, sizeof one->c_cc) == 0;
}

/* When the BEAM is gone, the shell that it ran under may have set its own settings already, which
 * must not be overwritten. */
static void restore_unasked(const struct termios *before, const struct termios *raw) {
  struct termios now = {0};
  if (tcgetattr(STDIN_FILENO, &now) == 0 && are_same(&now, raw))
    tcsetattr(STDIN_FILENO, TCSADRAIN, before);
}

/* Serves until a frame asks for the settings to be restored, which are stored then: true. False
 * when the end has another reason. */
static bool serve(struct channel_in *in, struct channel_out *out, int signals,
                  struct termios *settings) {
  struct winsize told;
  memset(&told, 0xff, sizeof told);
  while (!in->eof && !out->broken) {
    if (take_restore(in, settings))
      return true;
    tell_size(out, &told);
    channel_out_flush(out);
    struct pollfd polled[] = {
        {.fd = in->fd, .events = POLLIN},
        {.fd = out->fd, .events = channel_out_pending(out) > 0 ? POLLOUT : 0},
        {.fd = signals, .events = POLLIN},
    };
    if (poll_wait(polled, 3, LOOK_MS) <= 0)
      continue;
    if (polled[2].revents != 0 || (polled[1].revents & (POLLERR | POLLHUP)) != 0)
      return false;
    if (polled[0].revents != 0 && channel_in_read(in) < 0)
      return false;
  }
  return false;
}

struct failure terminal_lend(struct channel_in *in, struct channel_out *out) {
  /* Cleared, because libc's structure has more room than the kernel fills. */
  struct termios before = {0};
  if (tcgetattr(STDIN_FILENO, &before) < 0)
    return failure_of(STAGE_TCGETATTR, -errno);
  cleanup_close int signals = open_signals();
  if (signals < 0)
    return failure_of(STAGE_SIGNALFD, signals);
  struct termios raw = before;
  cfmakeraw(&raw);
  /* A process that is not in the terminal's foreground group is stopped by SIGTTOU when it changes
   * the settings. */
  signal(SIGTTOU, SIG_IGN);
  /* First, so that the library knows the settings if this process is killed. */
  tell_settings(out, &before);
  channel_out_flush(out);
  if (tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) < 0 || tcgetattr(STDIN_FILENO, &raw) < 0)
    return failure_of(STAGE_TCSETATTR, -errno);
  struct termios asked;
  if (!serve(in, out, signals, &asked))
    restore_unasked(&before, &raw);
  else if (tcsetattr(STDIN_FILENO, TCSADRAIN, &asked) < 0)
    return failure_of(STAGE_TCSETATTR, -errno);
  return failure_none();
}
