/* SPDX-License-Identifier: Apache-2.0
 *
 * The CT step of an action program.
 * Thread-safety: the packet's worker.
 */
#ifndef SLUICE_SWPATH_CT_STEP_H
#define SLUICE_SWPATH_CT_STEP_H

#include "swpath/worker.h"

/* Of packets whose first step is the CT step `act`: reads what it will ask first, and fetches their
 * connections. `looks` has room for each. */
void swpath_ct_fetch(struct swpath_worker *w, struct swpath_packet *p, unsigned n,
	const struct hal_act_ct *act, struct ct_look *looks);

/* Passes a packet through connection tracking. `rest` are the steps behind this one, with which a
 * fragment goes on once its datagram is whole: it is consumed till then, and goes on within this
 * call or a later one. SWPATH_OK or the reason for which the packet must be dropped. */
int swpath_ct(struct swpath_worker *w, struct swpath_packet *p, const struct hal_act_ct *act,
	const void *rest, uint32_t rest_len, unsigned nested);

#endif
