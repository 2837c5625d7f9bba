/* SPDX-License-Identifier: Apache-2.0
 *
 * Could a packet that leads to a chain miss there?
 *
 * A device that cannot resume loses such a packet, and nobody would ever hear of it. So one
 * megaflow of the chain has to match whatever can come: its mask may only look at what the rule
 * that leads there matches to the same value and leaves alone.
 */
#include <string.h>

#include "offload/internal.h"

#define ALTER(KEY, MEMBER) memset(&(KEY)->MEMBER, 0xff, sizeof((KEY)->MEMBER))

static void alter_ct(struct hal_key *k, bool nat)
{
	ALTER(k, ct_state);
	ALTER(k, ct_mark);
	ALTER(k, ct_zone);
	ALTER(k, ct_label);
	ALTER(k, ct_nw_proto);
	ALTER(k, ct_nw_src);
	ALTER(k, ct_nw_dst);
	ALTER(k, ct_ipv6_src);
	ALTER(k, ct_ipv6_dst);
	ALTER(k, ct_tp_src);
	ALTER(k, ct_tp_dst);
	if (!nat)
		return;
	ALTER(k, ipv4_src);
	ALTER(k, ipv4_dst);
	ALTER(k, ipv6_src);
	ALTER(k, ipv6_dst);
	ALTER(k, tp_src);
	ALTER(k, tp_dst);
}

/* Bits of the key that are not afterwards what the match says: set in `k`. */
static void altered(const struct hal_program *p, struct hal_key *k)
{
	const struct hal_act_set *set;

	memset(k, 0, sizeof(*k));
	ACTION_FOR_EACH (a, p) {
		switch (a->type) {
		case ACTION_OUTPUT:
		case ACTION_CONTROLLER:
		case ACTION_METER:
		case ACTION_TRUNC:
		case ACTION_MIRROR:
		case ACTION_GROUP:
		case ACTION_CLONE:
		case ACTION_SAMPLE:
		case ACTION_RECIRC:
			break;
		case ACTION_SET:
			set = (const struct hal_act_set *)a;
			hal_field_set(set->field, k, set->mask, set->mask);
			break;
		case ACTION_HASH:
			ALTER(k, dp_hash);
			break;
		case ACTION_CT:
			alter_ct(k, ((const struct hal_act_ct *)a)->flags & HAL_CT_NAT);
			break;
		case ACTION_CT_CLEAR:
			alter_ct(k, false);
			break;
		default: /* the packet is another one */
			memset(k, 0xff, sizeof(*k));
			memset(&k->in_port, 0, sizeof(k->in_port));
			return;
		}
	}
}

bool megaflow_covers(const struct hal_megaflow *member, const struct hal_megaflow *entry)
{
	struct hal_match m, e;
	struct hal_key changed;
	const uint8_t *m_mask = (const uint8_t *)&m.mask.dp, *m_val = (const uint8_t *)&m.value.dp;
	const uint8_t *e_mask = (const uint8_t *)&e.mask.dp, *e_val = (const uint8_t *)&e.value.dp;
	const uint8_t *c = (const uint8_t *)&changed;

	hal_cmatch_expand(member->match, &m);
	hal_cmatch_expand(entry->match, &e);
	altered(entry->program, &changed);
	m.mask.dp.recirc_id = 0; /* that is how it came there */
	for (size_t i = 0; i < sizeof(struct hal_key); i++) {
		if (m_mask[i] & (c[i] | (uint8_t)~e_mask[i]))
			return false;
		if ((m_val[i] ^ e_val[i]) & m_mask[i])
			return false;
	}
	return true;
}
