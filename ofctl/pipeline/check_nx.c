/* SPDX-License-Identifier: Apache-2.0
 *
 * Checks of Nicira's actions: fields exist in the flow's packets and may be written, nested actions
 * may stand where they do.
 */
#include <netinet/in.h>

#include "hal/action.h"
#include "hal/base/log.h"
#include "hal/ct_state.h"
#include "ofctl/pipeline/check_actions.h"

LOG_DEFINE(check);

#define PORT_FTP 21
#define PORT_TFTP 69

enum of_error check_source(const struct of_subfield *sf, const struct hal_match *m)
{
	unsigned bits = hal_fields[sf->field].bits;

	if (!sf->n_bits || sf->ofs >= bits || sf->ofs + sf->n_bits > bits)
		return OFERR_BAD_SET_LEN;
	return hal_field_prereq_ok(sf->field, &m->value, &m->mask) ? OFERR_OK
								   : OFERR_MATCH_INCONSISTENT;
}

enum of_error check_target(const struct of_subfield *sf, const struct hal_match *m)
{
	enum of_error error = check_source(sf, m);

	return !error && !hal_fields[sf->field].writable ? OFERR_BAD_SET_ARGUMENT : error;
}

static struct of_subfield subfield(const struct of_action *a)
{
	return (struct of_subfield){a->field, a->src_ofs, a->n_bits};
}

static bool is_ip(const struct hal_match *m)
{
	return hal_field_prereq_ok(FIELD_IP_PROTO, &m->value, &m->mask);
}

static bool eth_type_is(const struct hal_match *m, uint16_t type)
{
	return hal_field_all(FIELD_ETH_TYPE, &m->mask) &&
	       hal_field_get_u64(FIELD_ETH_TYPE, &m->value) == type;
}

static bool is_invalid_connection(const struct hal_match *m)
{
	return hal_field_get_u64(FIELD_CT_STATE, &m->value) & HAL_CS_INV;
}

/* What belongs to a connection can be written while it is committed, and nothing else can then. */
static bool is_of_connection(enum hal_field_id id)
{
	return id == FIELD_CT_MARK || id == FIELD_CT_LABEL;
}

static bool target_of(const struct of_action *a, enum hal_field_id *id)
{
	if (a->type != OFACT_SET_FIELD && a->type != OFACT_MOVE)
		return false;
	*id = a->type == OFACT_MOVE ? a->dst_field : a->field;
	return true;
}

enum of_error check_place(const struct of_action *a, bool in_ct)
{
	enum hal_field_id id;
	bool sets = target_of(a, &id);

	if (in_ct)
		return sets && is_of_connection(id) ? OFERR_OK : OFERR_BAD_ACTION_ARGUMENT;
	return sets && is_of_connection(id) ? OFERR_BAD_SET_ARGUMENT : OFERR_OK;
}

static enum of_error check_nat(const struct of_ct *ct, const struct hal_match *m)
{
	static const uint8_t zero[16];
	bool ranged = memcmp(ct->nat_min, zero, sizeof(zero)) != 0;

	if (!ranged)
		return OFERR_OK;
	return eth_type_is(m, ct->nat_flags & HAL_NAT_IPV6 ? 0x86dd : 0x0800)
		       ? OFERR_OK
		       : OFERR_MATCH_INCONSISTENT;
}

/* Nobody here reads what FTP and its like announce on their control connections. With the flow
 * accepted the connections that they announce would be lost without a word, so it is not. */
static enum of_error refuse_alg(uint16_t alg)
{
	const char *name = alg == PORT_FTP ? " (ftp)" : alg == PORT_TFTP ? " (tftp)" : "";

	log_warn("ct(alg=%u)%s is refused: there is no such helper. Without alg it is accepted, "
		 "and data connections need flows that let them in",
		alg, name);
	return OFERR_BAD_ACTION_ARGUMENT;
}

enum of_error check_ct(const struct of_action *a, struct hal_match *m, const struct check *c)
{
	const struct of_ct *ct = a->ct;
	struct check in = {.lenient = c->lenient, .in_ct = true};
	enum of_error error = OFERR_OK;

	/* What is wrong with any packet comes first: a bucket is forgiven what some may lack. */
	if (ct->alg)
		return refuse_alg(ct->alg);
	if (ct->recirc_table != OF_TABLE_ALL && ct->recirc_table >= OF_TABLES)
		return OFERR_BAD_ACTION_ARGUMENT;
	if (!is_ip(m) || (is_invalid_connection(m) && ct->flags & HAL_CT_COMMIT))
		return OFERR_MATCH_INCONSISTENT;
	if (ct->zone_from_field)
		error = check_source(&ct->zone_src, m);
	if (!error && ct->flags & HAL_CT_NAT)
		error = check_nat(ct, m);
	return error ? error : check_actions(&a->nested, m, &in);
}

/* What the flow to be is known to match, for what its specifications need. */
static void learn_match(struct hal_match *m, const struct of_learn_spec *s)
{
	uint64_t value = 0;

	if (!s->immediate || s->n_bits > 64 || s->dst.ofs ||
		s->n_bits != hal_fields[s->dst.field].bits)
		return;
	for (unsigned i = 8; i < 16; i++)
		value = value << 8 | s->value[i];
	hal_match_set_u64(m, s->dst.field, value);
}

enum of_error check_learn(const struct of_learn *l, const struct hal_match *m)
{
	struct hal_match learned = {0};
	enum of_error error = OFERR_OK;

	if (l->has_result)
		error = check_target(&l->result, m);
	for (unsigned i = 0; i < l->n_specs && !error; i++) {
		const struct of_learn_spec *s = &l->specs[i];

		if (!s->immediate)
			error = check_source(&s->src, m);
		if (error || s->dst_type == OF_LEARN_OUTPUT)
			continue;
		if (s->dst_type == OF_LEARN_LOAD) {
			error = check_target(&s->dst, &learned);
		} else {
			error = check_source(&s->dst, &learned);
			learn_match(&learned, s);
		}
	}
	return error;
}

static enum of_error check_bundle(const struct of_choice *c, const struct hal_match *m)
{
	for (unsigned i = 0; i < c->n_ports; i++)
		if (c->ports[i] == OF_PORT_CONTROLLER)
			return OFERR_BAD_OUT_PORT;
	return c->load ? check_target(&c->dst, m) : OFERR_OK;
}

/* The cut is made by one output: ports that stand for several, or for none, cannot have it. */
static enum of_error check_trunc(const struct of_action *a)
{
	return a->port == OF_PORT_IN_PORT || a->port == OF_PORT_LOCAL ||
			       (a->port > 0 && a->port < OF_PORT_MAX)
		       ? OFERR_OK
		       : OFERR_BAD_OUT_PORT;
}

enum of_error check_nx(const struct of_action *a, struct hal_match *m, const struct check *c)
{
	struct check in = {.lenient = c->lenient};
	struct of_subfield sf = subfield(a);
	struct hal_match copy = *m;

	switch (a->type) {
	case OFACT_OUTPUT_REG:
	case OFACT_STACK_PUSH:
		return check_source(&sf, m);
	case OFACT_STACK_POP:
	case OFACT_CHECK_PKT_LARGER:
		return check_target(&sf, m);
	case OFACT_OUTPUT_TRUNC:
		return check_trunc(a);
	case OFACT_CT:
		return check_ct(a, m, c);
	case OFACT_CLONE:
		return check_actions(&a->nested, &copy, &in);
	case OFACT_LEARN:
		return check_learn(a->learn, m);
	case OFACT_MULTIPATH:
		return check_target(&a->choice->dst, m);
	case OFACT_BUNDLE:
		return check_bundle(a->choice, m);
	case OFACT_FIN_TIMEOUT:
		return c->lenient || hal_field_prereq_ok(FIELD_TCP_SRC, &m->value, &m->mask)
			       ? OFERR_OK
			       : OFERR_MATCH_INCONSISTENT;
	case OFACT_DELETE_FIELD:
		return a->field == FIELD_TUN_METADATA ? OFERR_OK : OFERR_BAD_ACTION_ARGUMENT;
	default: /* takes anything */
		return OFERR_OK;
	}
}
