/* SPDX-License-Identifier: Apache-2.0
 *
 * The width oracle: is a megaflow no wider than the decision that made it?
 *
 * What: takes the packet that made a megaflow, changes what the mask leaves open, and translates
 * again: the program and the flows that are credited must be the same. What differs is counted and
 * logged.
 * Why: a megaflow that is too wide sends packets where no flow says, and only for as long as it
 * happens to live: such faults are hardly ever found from outside.
 *
 * It is always there in debug builds (a part of all translations is checked) and wherever the
 * environment variable SLUICE_WIDTH_ORACLE is a number: 1 checks every translation, 16 every 16th
 * (and no more in a second than leave time for other work), 0 none.
 *
 * Thread-safety: oracle_check() by any thread under RCU.
 */
#ifndef SLUICE_OFCTL_PIPELINE_ORACLE_H
#define SLUICE_OFCTL_PIPELINE_ORACLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "hal/key.h"

struct pipeline;
struct pl_megaflow;

struct width_oracle {
	uint32_t every; /* check so many-th translation; 0: none */
	_Atomic uint32_t turn;
	_Atomic uint64_t checks, violations; /* packets translated again; those treated otherwise */
	_Atomic uint64_t budget_ms, budget;  /* checks left in this second */
	/* Packets seen lately: their values are worth more than random ones. Torn ones do no harm.
	 */
	_Atomic uint32_t n_recent;
	struct hal_key recent[64];
};

/* NULL: off, as the environment says. */
struct width_oracle *oracle_open(void);

/* Checks a new megaflow with the key that it was made of, if it is its turn. Tables that change
 * meanwhile prove nothing. */
void oracle_look(struct pipeline *pl, const struct pl_megaflow *m, const struct hal_key *key);

/* Tries `n` packets like the key. Returns the number of those that are treated otherwise. */
unsigned oracle_check(
	struct pipeline *pl, const struct pl_megaflow *m, const struct hal_key *key, unsigned n);

/* Takes away what no parser would find in such a packet. */
void key_make_plausible(struct hal_key *k);

#endif
