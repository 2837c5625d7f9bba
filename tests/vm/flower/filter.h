/* SPDX-License-Identifier: Apache-2.0
 *
 * One flower filter of the kernel's, which drops what it takes.
 */
#ifndef SLUICE_TESTS_VM_FILTER_H
#define SLUICE_TESTS_VM_FILTER_H

#include <stdint.h>

#include "hal/match.h"
#include "hal/reason.h"

struct nl_sock;

struct filter {
	struct nl_sock *sock;
	int ifindex;
	rte_be16_t protocol;
};

int filter_open(struct filter *f, int ifindex); /* 0 or -errno */

/* 0; 1 for a match that is refused, with the reason; or -errno, the kernel's. */
int filter_add(struct filter *f, const struct hal_match *m, struct hal_reason *r);

/* What the kernel says of it. */
int filter_read(struct filter *f, struct hal_match *m, uint64_t *packets); /* 0 or -errno */
int filter_del(struct filter *f);

#endif
