/* SPDX-License-Identifier: Apache-2.0
 *
 * Random actions that recirculate, or hold lists of actions.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/pipeline/test.h"

static struct of_action *add(struct of_actions *acts, enum of_action_type type)
{
	acts->a = realloc(acts->a, (acts->n + 1) * sizeof(*acts->a));
	if (!acts->a)
		abort();
	acts->a[acts->n] = (struct of_action){.type = type};
	return &acts->a[acts->n++];
}

void gen_ct(struct of_actions *acts, unsigned table)
{
	struct of_actions nested = {0};
	struct of_action *a, *n;

	if (one_in(table ? 2 : 6)) {
		add(acts, OFACT_CT_CLEAR);
		return;
	}
	a = add(acts, OFACT_CT);
	a->ct = calloc(1, sizeof(*a->ct));
	if (!a->ct)
		abort();
	a->ct->recirc_table = one_in(4) ? OF_TABLE_ALL : (uint8_t)(table + one_in(4) + 1);
	a->ct->zone = (uint16_t)rnd_below(3);
	if (one_in(4)) {
		a->ct->zone_from_field = true;
		a->ct->zone_src = (struct of_subfield){FIELD_REG0, 0, 16};
	}
	if (!one_in(3))
		return;
	a->ct->flags = HAL_CT_COMMIT;
	n = add(&nested, one_in(2) ? OFACT_SET_FIELD : OFACT_MOVE);
	n->field = n->type == OFACT_MOVE ? FIELD_ETH_SRC : FIELD_CT_MARK;
	n->value[3] = (uint8_t)rnd_below(4);
	n->dst_field = FIELD_CT_LABEL;
	n->n_bits = 8;
	n->src_ofs = (uint16_t)rnd_below(40);
	a->nested = nested;
}

static void add_clone(struct of_actions *acts, const struct hal_match *m, unsigned table)
{
	struct of_actions nested = {0};

	for (unsigned n = 1 + rnd_below(3); n--;)
		gen_action(&nested, m, table, false);
	add(acts, OFACT_CLONE)->nested = nested;
}

void gen_nested(struct of_actions *acts, const struct hal_match *m, unsigned table)
{
	uint16_t type = rte_be_to_cpu_16(m->value.dp.eth_type);
	bool ip = type == 0x800 || type == 0x86dd;
	struct of_action *a;

	switch (rnd_below(6)) {
	case 0:
	case 1:
		if (ip && m->mask.dp.eth_type == 0xffff)
			gen_ct(acts, table);
		break;
	case 2:
		add(acts, OFACT_CT_CLEAR);
		break;
	case 3:
		add_clone(acts, m, table);
		break;
	case 4:
		a = add(acts, OFACT_CHECK_PKT_LARGER);
		a->pkt_len = 100;
		a->field = FIELD_REG0;
		a->src_ofs = (uint16_t)rnd_below(3);
		a->n_bits = 1;
		break;
	default:
		a = add(acts, OFACT_OUTPUT_TRUNC);
		a->port = one_in(4) ? OF_PORT_IN_PORT : 1 + rnd_below(GEN_PORTS + 2);
		a->trunc = 64;
		break;
	}
}
