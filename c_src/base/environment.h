/* SPDX-License-Identifier: MIT */
/* Reading an environment (environ(7)): an array of "KEY=VALUE" that ends in NULL. Pure. */
#ifndef LINX_BASE_ENVIRONMENT_H
#define LINX_BASE_ENVIRONMENT_H

/* The value of the first variable of that name, as getenv(3) has it, or NULL. */
const char *environment_get(char *const *environment, const char *name);

#endif
