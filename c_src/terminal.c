#include "terminal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "cleanup.h"

/* SIGWINCH goes to the terminal's foreground group, which a port program is not in, so the size is
 * looked at. A person who drags a window does not see the difference. */
#define LOOK_MS 150

/* Signals that end a program politely; they give the terminal back first. */
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

/* Whatever comes in is not for this program; only the end matters. */
static void drop_input(struct channel_in *in) {
  const uint8_t *payload = NULL;
  size_t size = 0;
  if (channel_in_read(in) < 0)
    in->eof = true;
  while (channel_in_next(in, 0, &payload, &size) != 0)
    continue;
}

static void serve(struct channel_in *in, struct channel_out *out, int signals) {
  struct winsize told;
  memset(&told, 0xff, sizeof told);
  while (!in->eof && !out->broken) {
    tell_size(out, &told);
    channel_out_flush(out);
    struct pollfd polled[] = {
        {.fd = in->fd, .events = POLLIN},
        {.fd = out->fd, .events = channel_out_pending(out) > 0 ? POLLOUT : 0},
        {.fd = signals, .events = POLLIN},
    };
    if (poll(polled, 3, LOOK_MS) <= 0)
      continue;
    if (polled[2].revents != 0 || (polled[1].revents & (POLLERR | POLLHUP)) != 0)
      return;
    if (polled[0].revents != 0)
      drop_input(in);
  }
}

int terminal_lend(struct channel_in *in, struct channel_out *out, enum stage *stage) {
  struct termios before;
  *stage = STAGE_TCGETATTR;
  if (tcgetattr(STDIN_FILENO, &before) < 0)
    return -errno;
  *stage = STAGE_SIGNALFD;
  cleanup_close int signals = open_signals();
  if (signals < 0)
    return signals;
  struct termios raw = before;
  cfmakeraw(&raw);
  /* Not of the terminal's foreground group: without this a change would stop the program. */
  signal(SIGTTOU, SIG_IGN);
  *stage = STAGE_TCSETATTR;
  if (tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) < 0)
    return -errno;
  serve(in, out, signals);
  tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
  return 0;
}
