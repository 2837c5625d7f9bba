/* SPDX-License-Identifier: Apache-2.0 */
#include "ofctl/openflow/message.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void of_action_free(struct of_action *a)
{
	of_actions_free(&a->nested);
	free(a->ct);
	free(a->learn);
	free(a->choice);
	free(a->sample);
	free(a->data);
}

static int dup(void **to, const void *from, size_t len)
{
	*to = NULL;
	if (!from)
		return 0;
	*to = malloc(len);
	if (!*to)
		return -ENOMEM;
	memcpy(*to, from, len);
	return 0;
}

static size_t learn_size(const struct of_learn *l)
{
	return l ? sizeof(*l) + l->n_specs * sizeof(l->specs[0]) : 0;
}

static size_t choice_size(const struct of_choice *c)
{
	return c ? sizeof(*c) + c->n_ports * sizeof(c->ports[0]) : 0;
}

int of_action_copy(struct of_action *to, const struct of_action *from)
{
	int err = 0;

	*to = *from;
	err |= dup((void **)&to->ct, from->ct, sizeof(*from->ct));
	err |= dup((void **)&to->learn, from->learn, learn_size(from->learn));
	err |= dup((void **)&to->choice, from->choice, choice_size(from->choice));
	err |= dup((void **)&to->sample, from->sample, sizeof(*from->sample));
	err |= dup((void **)&to->data, from->data, from->data_len);
	err |= of_actions_copy(&to->nested, &from->nested);
	if (!err)
		return 0;
	of_action_free(to);
	return -ENOMEM;
}

int of_actions_copy(struct of_actions *to, const struct of_actions *from)
{
	struct of_actions copy = {0};

	*to = copy;
	if (!from->n)
		return 0;
	copy.a = malloc(from->n * sizeof(*copy.a));
	if (!copy.a)
		return -ENOMEM;
	for (; copy.n < from->n; copy.n++) {
		if (of_action_copy(&copy.a[copy.n], &from->a[copy.n])) {
			of_actions_free(&copy);
			return -ENOMEM;
		}
	}
	*to = copy;
	return 0;
}

void of_actions_free(struct of_actions *acts)
{
	for (unsigned i = 0; i < acts->n; i++)
		of_action_free(&acts->a[i]);
	free(acts->a);
	*acts = (struct of_actions){0};
}

void of_group_free(struct of_group *g)
{
	for (unsigned i = 0; i < g->n_buckets; i++)
		of_actions_free(&g->buckets[i].actions);
	free(g->buckets);
	g->buckets = NULL;
	g->n_buckets = 0;
}

int of_group_copy(struct of_group *to, const struct of_group *from)
{
	*to = *from;
	to->n_buckets = 0;
	to->buckets = calloc(from->n_buckets + 1, sizeof(*to->buckets));
	if (!to->buckets)
		return -ENOMEM;
	for (; to->n_buckets < from->n_buckets; to->n_buckets++) {
		struct of_bucket *b = &to->buckets[to->n_buckets];

		*b = from->buckets[to->n_buckets];
		if (of_actions_copy(&b->actions, &from->buckets[to->n_buckets].actions)) {
			of_group_free(to);
			return -ENOMEM;
		}
	}
	return 0;
}

static bool same_bytes(const void *a, const void *b, size_t len)
{
	return !a == !b && (!a || !memcmp(a, b, len));
}

/* The parts that an action owns. */
static bool owned_equal(const struct of_action *a, const struct of_action *b)
{
	return a->data_len == b->data_len && same_bytes(a->data, b->data, a->data_len) &&
	       same_bytes(a->ct, b->ct, sizeof(*a->ct)) &&
	       learn_size(a->learn) == learn_size(b->learn) &&
	       same_bytes(a->learn, b->learn, learn_size(a->learn)) &&
	       same_bytes(a->sample, b->sample, sizeof(*a->sample)) &&
	       choice_size(a->choice) == choice_size(b->choice) &&
	       same_bytes(a->choice, b->choice, choice_size(a->choice)) &&
	       of_actions_equal(&a->nested, &b->nested);
}

static bool same_subfield(const struct of_action *a, const struct of_action *b)
{
	return a->field == b->field && a->src_ofs == b->src_ofs && a->n_bits == b->n_bits;
}

static bool action_equal(const struct of_action *a, const struct of_action *b)
{
	unsigned n;

	if (a->type != b->type || !owned_equal(a, b))
		return false;
	switch (a->type) {
	case OFACT_OUTPUT:
		/* To other ports the length says nothing; it is kept to be given back. */
		return a->port == b->port &&
		       (a->port != OF_PORT_CONTROLLER || a->max_len == b->max_len);
	case OFACT_SET_FIELD:
		if (a->field != b->field || a->has_mask != b->has_mask)
			return false;
		n = hal_field_bytes(a->field);
		if (n > sizeof(a->value)) /* its value is in `data` */
			return a->option == b->option;
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
		return a->port == b->port && a->table == b->table && a->with_ct == b->with_ct;
	case OFACT_CONTROLLER:
		return a->max_len == b->max_len && a->controller_id == b->controller_id &&
		       a->reason == b->reason && a->pause == b->pause && a->meter == b->meter;
	case OFACT_OUTPUT_REG:
	case OFACT_STACK_PUSH:
	case OFACT_STACK_POP:
		return same_subfield(a, b) && a->max_len == b->max_len;
	case OFACT_CHECK_PKT_LARGER:
		return same_subfield(a, b) && a->pkt_len == b->pkt_len;
	case OFACT_OUTPUT_TRUNC:
		return a->port == b->port && a->trunc == b->trunc;
	case OFACT_METER:
		return a->meter == b->meter;
	case OFACT_SAMPLE:
		return a->probability == b->probability;
	case OFACT_CONJUNCTION:
		return a->conj_id == b->conj_id && a->clause == b->clause &&
		       a->n_clauses == b->n_clauses;
	case OFACT_FIN_TIMEOUT:
		return a->fin_idle == b->fin_idle && a->fin_hard == b->fin_hard;
	case OFACT_DELETE_FIELD:
		return a->field == b->field && a->option == b->option;
	case OFACT_CT:
	case OFACT_CT_CLEAR:
	case OFACT_CLONE:
	case OFACT_LEARN:
	case OFACT_MULTIPATH:
	case OFACT_BUNDLE:
	case OFACT_NOTE:
	case OFACT_EXIT:
	case OFACT_POP_QUEUE:
	case OFACT_POP_VLAN:
	case OFACT_POP_PBB:
	case OFACT_DEC_NW_TTL:
	case OFACT_DEC_MPLS_TTL:
	case OFACT_COPY_TTL_OUT:
	case OFACT_COPY_TTL_IN:
		return true;
	case OFACT_MAX:
		break;
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

static bool sends_to(const struct of_actions *acts, uint32_t port, uint32_t group)
{
	for (unsigned i = 0; i < acts->n; i++) {
		const struct of_action *a = &acts->a[i];

		if (port != OF_PORT_ANY && a->port == port &&
			(a->type == OFACT_OUTPUT || a->type == OFACT_ENQUEUE))
			return true;
		if (group != OF_GROUP_ANY && a->type == OFACT_GROUP && a->group == group)
			return true;
	}
	return false;
}

bool of_instructions_send_to(const struct of_instructions *ins, uint32_t port, uint32_t group)
{
	if (port != OF_PORT_ANY && !sends_to(&ins->apply, port, OF_GROUP_ANY) &&
		!sends_to(&ins->write, port, OF_GROUP_ANY))
		return false;
	return group == OF_GROUP_ANY || sends_to(&ins->apply, OF_PORT_ANY, group) ||
	       sends_to(&ins->write, OF_PORT_ANY, group);
}
