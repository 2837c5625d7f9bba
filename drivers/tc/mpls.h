/* SPDX-License-Identifier: Apache-2.0
 *
 * MPLS label stack entries pushed, popped and written (linux/tc_act/tc_mpls.h).
 *
 * What: act_mpls puts an entry behind the Ethernet header and the outermost tag. For us entries
 * stand behind all tags, so that packets have to be known to have one tag at most. What is known of
 * a packet is carried along: behind a new entry there is nothing but payload, and of what comes out
 * from under the last one nothing is known.
 *
 * act_mpls writes neither the label 3 (implicit null, RFC 3032, 2.1) nor the TTL 0.
 *
 * Thread-safety: pure functions.
 */
#ifndef SLUICE_DRIVERS_TC_MPLS_H
#define SLUICE_DRIVERS_TC_MPLS_H

#include <stdbool.h>

#include <netlink/attr.h>
#include <netlink/msg.h>

#include "hal/action.h"
#include "hal/key.h"
#include "hal/reason.h"

#define TC_LSE 4u /* bytes of an entry */

/* Whether act_mpls can do the step for packets of which this is known. 0, or -EOPNOTSUPP with `r`.
 */
int tc_mpls_check(const struct hal_action *a, const struct hal_key *value,
	const struct hal_key *mask, struct hal_reason *r);

bool tc_mpls_is_field(enum hal_field_id id);

/* The options of the action that does the step, which was checked. 0, or -ENOMEM if the message is
 * full. */
int tc_mpls_put(struct nl_msg *msg, const struct hal_action *a);

/* The steps of an action with these options, for packets of which this is known. 0, -ENOMEM, or
 * -EINVAL if tc_mpls_put() writes none like it. */
int tc_mpls_get(
	struct nlattr *options, struct hal_key *value, struct hal_key *mask, struct hal_builder *b);

/* What is known after the step. */
void tc_mpls_follow(const struct hal_action *a, struct hal_key *value, struct hal_key *mask);

#endif
