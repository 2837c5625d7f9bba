/* SPDX-License-Identifier: Apache-2.0
 *
 * Connection tracking: ovs-actions(7), "ct".
 */
#include <string.h>

#include "hal/mutation.h"
#include "ofctl/pipeline/subfield.h"
#include "ofctl/pipeline/xlate_more.h"

/* What the nested actions write: they act on the connection, not on the packet. */
static void nested_set(
	enum hal_field_id field, const uint8_t *value, const uint8_t *mask, struct hal_act_ct *ct)
{
	uint32_t v, m;

	if (field == FIELD_CT_MARK) {
		memcpy(&v, value, sizeof(v));
		memcpy(&m, mask, sizeof(m));
		m = rte_be_to_cpu_32(m);
		ct->mark = (ct->mark & ~m) | (rte_be_to_cpu_32(v) & m);
		ct->mark_mask |= MUTATE(401, m, 0);
	} else if (field == FIELD_CT_LABEL) {
		for (unsigned i = 0; i < sizeof(ct->label); i++) {
			ct->label[i] = (uint8_t)((ct->label[i] & ~mask[i]) | (value[i] & mask[i]));
			ct->label_mask[i] |= mask[i];
		}
	}
}

static void nested_actions(struct xlate *x, const struct of_actions *acts, struct hal_act_ct *ct)
{
	uint8_t value[HAL_VALUE_MAX], mask[HAL_VALUE_MAX], ones[HAL_VALUE_MAX];

	memset(ones, 0xff, sizeof(ones));
	for (unsigned i = 0; i < acts->n && !x->error; i++) {
		const struct of_action *a = &acts->a[i];
		struct of_subfield src = {a->field, a->src_ofs, a->n_bits};
		struct of_subfield dst = {a->dst_field, a->dst_ofs, a->n_bits};
		uint8_t bits[SUBFIELD_BYTES];

		if (a->type == OFACT_SET_FIELD) {
			nested_set(a->field, a->value, a->has_mask ? a->mask : ones, ct);
		} else if (a->type == OFACT_MOVE) {
			subfield_read(x, &src, bits);
			subfield_expand(&dst, bits, value, mask);
			nested_set(a->dst_field, value, mask, ct);
		}
	}
}

static uint16_t zone(struct xlate *x, const struct of_ct *ct)
{
	uint8_t bits[SUBFIELD_BYTES];

	if (!ct->zone_from_field)
		return ct->zone;
	subfield_read(x, &ct->zone_src, bits);
	return (uint16_t)subfield_u64(bits);
}

void xlate_ct(struct xlate *x, const struct of_action *a)
{
	const struct of_ct *ct = a->ct;
	struct hal_act_ct step = {.flags = ct->flags, .alg = ct->alg};
	struct hal_act_ct *out;

	nested_actions(x, &a->nested, &step);
	step.zone = MUTATE(402, zone(x, ct), ct->zone);
	step.nat_flags = ct->nat_flags;
	step.nat_port_min = ct->nat_port_min;
	step.nat_port_max = ct->nat_port_max;
	memcpy(step.nat_min, ct->nat_min, sizeof(step.nat_min));
	memcpy(step.nat_max, ct->nat_max, sizeof(step.nat_max));
	out = hal_builder_add(&x->out, ACTION_CT, sizeof(*out));
	if (!out)
		return;
	step.a = out->a;
	*out = step;
	x->ct_stale = false;
	/* A commit changes the connection, whatever becomes of the packet. */
	if (ct->flags & HAL_CT_COMMIT)
		xlate_useful(x);
	if (ct->recirc_table != OF_TABLE_ALL) {
		x->tracked = true;
		xlate_fork_table(x, ct->recirc_table, step.zone);
	}
	/* The packet that goes on here is untracked, although it carries what the step found out.
	 * Addresses that NAT wrote are not known here: what follows sees the packet as it was
	 * before, as in Open vSwitch. */
	x->tracked = false;
	x->ct_stale = true;
	xlate_forget_ct(x);
}

void xlate_ct_clear(struct xlate *x)
{
	if (MUTATE(403, !x->tracked && !x->ct_stale, true))
		return;
	hal_build_plain(&x->out, ACTION_CT_CLEAR);
	x->tracked = x->ct_stale = false;
	xlate_forget_ct(x);
}
