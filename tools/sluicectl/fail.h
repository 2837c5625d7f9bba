/* SPDX-License-Identifier: Apache-2.0
 *
 * How sluicectl ends when it cannot do what was asked.
 *
 * What: a message on standard error, "sluicectl: " before it, and the exit status.
 * Thread-safety: the program has one thread.
 */
#ifndef SLUICE_TOOLS_SLUICECTL_FAIL_H
#define SLUICE_TOOLS_SLUICECTL_FAIL_H

enum { EXIT_FAILED = 1, EXIT_USAGE = 2 };

/* It was understood but cannot be done: status 1. */
_Noreturn void fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The command line makes no sense: status 2. */
_Noreturn void fail_usage(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Worth saying, but no failure. */
void warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The pointer, or the end of the program if it is NULL: for allocations. */
void *need(void *p);

#endif
