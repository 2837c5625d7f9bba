/* SPDX-License-Identifier: Apache-2.0
 *
 * Header fields written by TC: the keys of act_pedit, and the checksums that act_csum puts right
 * afterwards (linux/tc_act/tc_pedit.h, linux/tc_act/tc_csum.h).
 *
 * What: successive SET and DEC_TTL steps are gathered and become one action of each kind.
 * Thread-safety: plain data.
 */
#ifndef SLUICE_DRIVERS_TC_PEDIT_H
#define SLUICE_DRIVERS_TC_PEDIT_H

#include <linux/pkt_cls.h>
#include <netlink/msg.h>

#include <linux/tc_act/tc_pedit.h>

#include "hal/action.h"
#include "hal/key.h"
#include "hal/reason.h"

#define TC_PEDIT_KEYS 32 /* words in one action */

struct tc_pedit_word {
	uint16_t header; /* TCA_PEDIT_KEY_EX_HDR_TYPE_* */
	uint16_t cmd;    /* TCA_PEDIT_KEY_EX_CMD_* */
	uint32_t offset; /* in the header, a multiple of 4 */
	uint8_t bits[4]; /* that are written, as they lie in the packet */
	uint8_t value[4];
};

struct tc_edits {
	struct tc_pedit_word word[TC_PEDIT_KEYS];
	unsigned n;
	uint32_t sums; /* TCA_CSUM_UPDATE_FLAG_* that are wrong afterwards */
};

/* Adds one step. `value` and `mask`: what is known of the packet. 0, or -EOPNOTSUPP with `r`. */
int tc_pedit_set(struct tc_edits *e, const struct hal_act_set *set, const struct hal_key *value,
	const struct hal_key *mask, struct hal_reason *r);
int tc_pedit_dec_ttl(struct tc_edits *e, const struct hal_key *value, const struct hal_key *mask,
	struct hal_reason *r);

/* Appends the options of act_pedit. 0 or -ENOMEM. */
int tc_pedit_put(struct nl_msg *msg, const struct tc_edits *e);

/* Reads the options of an act_pedit. 0, or -EINVAL if they are not what tc_pedit_put() writes. */
int tc_pedit_parse(struct nlattr *options, struct tc_edits *e);

/* Appends the steps that make these edits, in the order of the headers. `value` and `mask` as
 * above. 0, or -EINVAL if no steps do. */
int tc_pedit_steps(const struct tc_edits *e, const struct hal_key *value,
	const struct hal_key *mask, struct hal_builder *b);

#endif
