/* SPDX-License-Identifier: Apache-2.0 */
#include "ofctl/pipeline/action_set.h"

#include <errno.h>
#include <stdlib.h>

enum rank {
	COPY_TTL_IN,
	POP_VLAN,
	POP_MPLS,
	POP_PBB,
	PUSH_MPLS,
	PUSH_PBB,
	PUSH_VLAN,
	COPY_TTL_OUT,
	DEC_MPLS_TTL,
	DEC_NW_TTL,
	SETS, /* and the rest: all of them, as they stand */
	LAST,
};

static enum rank rank_of(enum of_action_type type)
{
	switch (type) {
	case OFACT_COPY_TTL_IN:
		return COPY_TTL_IN;
	case OFACT_POP_VLAN:
		return POP_VLAN;
	case OFACT_POP_MPLS:
		return POP_MPLS;
	case OFACT_POP_PBB:
		return POP_PBB;
	case OFACT_PUSH_MPLS:
		return PUSH_MPLS;
	case OFACT_PUSH_PBB:
		return PUSH_PBB;
	case OFACT_PUSH_VLAN:
		return PUSH_VLAN;
	case OFACT_COPY_TTL_OUT:
		return COPY_TTL_OUT;
	case OFACT_DEC_MPLS_TTL:
		return DEC_MPLS_TTL;
	case OFACT_DEC_NW_TTL:
		return DEC_NW_TTL;
	case OFACT_GROUP:
	case OFACT_OUTPUT:
	case OFACT_ENQUEUE:
	case OFACT_OUTPUT_REG:
	case OFACT_OUTPUT_TRUNC:
	case OFACT_CONTROLLER:
	case OFACT_BUNDLE:
	case OFACT_RESUBMIT:
	case OFACT_CT:
		return LAST;
	default:
		return SETS;
	}
}

/* A group takes precedence over an output (5.10), both over what goes on in tables. */
static unsigned precedence(enum of_action_type type)
{
	return type == OFACT_GROUP ? 4 : type == OFACT_RESUBMIT ? 2 : type == OFACT_CT ? 1 : 3;
}

static const struct of_action *last_of(const struct of_actions *set)
{
	const struct of_action *best = NULL;

	for (unsigned i = 0; i < set->n; i++) {
		const struct of_action *a = &set->a[i];

		if (rank_of(a->type) == LAST &&
			(!best || precedence(a->type) >= precedence(best->type)))
			best = a;
	}
	return best;
}

static void add(const struct of_actions *set, enum rank rank, struct of_actions *list)
{
	unsigned first = list->n;

	for (unsigned i = 0; i < set->n; i++) {
		if (rank_of(set->a[i].type) != rank)
			continue;
		if (rank != SETS)
			list->n = first;
		list->a[list->n++] = set->a[i];
	}
}

int action_set_sort(const struct of_actions *set, struct of_actions *list)
{
	const struct of_action *last = last_of(set);

	*list = (struct of_actions){0};
	list->a = calloc(set->n + 1, sizeof(*list->a));
	if (!list->a)
		return -ENOMEM;
	if (!last)
		return 0;
	for (enum rank r = COPY_TTL_IN; r < LAST; r++)
		add(set, r, list);
	list->a[list->n++] = *last;
	return 0;
}
