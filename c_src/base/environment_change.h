/* SPDX-License-Identifier: MIT */
/* Changes to an environment (environ(7)): an array of "KEY=VALUE" that ends in NULL. Pure, apart
 * from the heap. */
#ifndef LINX_BASE_ENVIRONMENT_CHANGE_H
#define LINX_BASE_ENVIRONMENT_CHANGE_H

/*
 * What is left of `from` without the variables that `unset` names ("KEY") and `set` has
 * ("KEY=VALUE"), then those of `set`, of each name the last. Both may be NULL; what is in `unset`
 * and in `set` is set. Every variable of a name goes, when there are several in `from`, and an
 * entry without a '=' stays. The array is the caller's; the strings are those that were given.
 * 0 or -ENOMEM. Takes n log n steps for n names, so that large environments do not cost seconds.
 */
int environment_change(char ***changed, char *const *from, char *const *set, char *const *unset);

#endif
