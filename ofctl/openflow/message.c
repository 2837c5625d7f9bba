/* SPDX-License-Identifier: Apache-2.0 */
#include "ofctl/openflow/message.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int of_actions_copy(struct of_actions *to, const struct of_actions *from)
{
	struct of_action *a = NULL;

	if (from->n) {
		a = malloc(from->n * sizeof(*a));
		if (!a)
			return -ENOMEM;
		memcpy(a, from->a, from->n * sizeof(*a));
	}
	*to = (struct of_actions){from->n, a};
	return 0;
}

void of_actions_free(struct of_actions *acts)
{
	free(acts->a);
	*acts = (struct of_actions){0};
}

static bool action_equal(const struct of_action *a, const struct of_action *b)
{
	unsigned n;

	if (a->type != b->type)
		return false;
	switch (a->type) {
	case OFACT_OUTPUT:
		return a->port == b->port && a->max_len == b->max_len;
	case OFACT_SET_FIELD:
		if (a->field != b->field || a->has_mask != b->has_mask)
			return false;
		n = hal_field_bytes(a->field);
		return !memcmp(a->value, b->value, n) &&
		       (!a->has_mask || !memcmp(a->mask, b->mask, n));
	case OFACT_PUSH_VLAN:
	case OFACT_PUSH_MPLS:
	case OFACT_POP_MPLS:
	case OFACT_PUSH_PBB:
		return a->eth_type == b->eth_type;
	case OFACT_SET_MPLS_TTL:
		return a->ttl == b->ttl;
	case OFACT_SET_QUEUE:
		return a->queue == b->queue;
	case OFACT_GROUP:
		return a->group == b->group;
	case OFACT_SET_VLAN_VID_10:
	case OFACT_SET_VLAN_PCP_10:
		return a->vlan == b->vlan;
	case OFACT_ENQUEUE:
		return a->port == b->port && a->queue == b->queue;
	case OFACT_MOVE:
		return a->field == b->field && a->dst_field == b->dst_field &&
		       a->src_ofs == b->src_ofs && a->dst_ofs == b->dst_ofs &&
		       a->n_bits == b->n_bits;
	case OFACT_RESUBMIT:
		return a->port == b->port && a->table == b->table;
	case OFACT_POP_VLAN:
	case OFACT_POP_PBB:
	case OFACT_DEC_NW_TTL:
	case OFACT_DEC_MPLS_TTL:
	case OFACT_COPY_TTL_OUT:
	case OFACT_COPY_TTL_IN:
		return true;
	}
	return false;
}

bool of_actions_equal(const struct of_actions *a, const struct of_actions *b)
{
	if (a->n != b->n)
		return false;
	for (unsigned i = 0; i < a->n; i++)
		if (!action_equal(&a->a[i], &b->a[i]))
			return false;
	return true;
}

int of_instructions_copy(struct of_instructions *to, const struct of_instructions *from)
{
	struct of_instructions copy = *from;

	if (of_actions_copy(&copy.apply, &from->apply))
		return -ENOMEM;
	if (of_actions_copy(&copy.write, &from->write)) {
		of_actions_free(&copy.apply);
		return -ENOMEM;
	}
	*to = copy;
	return 0;
}

void of_instructions_free(struct of_instructions *ins)
{
	of_actions_free(&ins->apply);
	of_actions_free(&ins->write);
	*ins = (struct of_instructions){0};
}

bool of_instructions_equal(const struct of_instructions *a, const struct of_instructions *b)
{
	if (a->clear != b->clear || a->has_goto != b->has_goto ||
		a->has_metadata != b->has_metadata || a->has_meter != b->has_meter)
		return false;
	if (a->has_goto && a->goto_table != b->goto_table)
		return false;
	if (a->has_metadata && (a->metadata != b->metadata || a->metadata_mask != b->metadata_mask))
		return false;
	if (a->has_meter && a->meter != b->meter)
		return false;
	return of_actions_equal(&a->apply, &b->apply) && of_actions_equal(&a->write, &b->write);
}
