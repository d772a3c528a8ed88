/* SPDX-License-Identifier: MIT */
#include "setup/setup.h"

#include "setup/capabilities.h"
#include "setup/directory.h"
#include "setup/files.h"
#include "setup/host.h"
#include "setup/identity.h"
#include "setup/limits.h"
#include "setup/mounts.h"
#include "setup/network.h"
#include "setup/root.h"
#include "setup/schedule.h"
#include "setup/stdio_owner.h"
#include "setup/sysctl.h"
#include "setup/terminal.h"
#include "setup/terminal_inside.h"
#include "setup/user.h"

const struct setup_row setup_rows[] = {
#define SETUP(name, arguments, by, changes, function) {function, changes},
#include "setup/commands.def"
#undef SETUP
};
