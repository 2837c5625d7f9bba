/* SPDX-License-Identifier: Apache-2.0
 *
 * One rule of the TC driver's, run by the kernel, which drops what it takes.
 */
#ifndef SLUICE_TESTS_VM_FILTER_H
#define SLUICE_TESTS_VM_FILTER_H

#include <stdint.h>

#include "hal/hal.h"

#define FILTER_PORT 1u /* the datapath port that it is at */

struct filter {
	struct hal_device *dev;
	struct hal_ufid ufid; /* of the rule that is there, or of the last one */
};

int filter_open(struct filter *f, const char *netdev, struct hal_reason *r); /* 0 or -errno */

/* 0; 1 for a match that is refused; or -errno: the kernel does not take it. Both with a reason. */
int filter_add(struct filter *f, const struct hal_match *m, struct hal_reason *r);

/* What the kernel says of it: its packets, and its match. 0 or -errno. */
int filter_packets(struct filter *f, uint64_t *packets);
int filter_match(struct filter *f, struct hal_match *m);
int filter_del(struct filter *f, struct hal_reason *r);

#endif
