/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading actions and instructions.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "hal/option.h"
#include "ofctl/openflow/text_action.h"

#define MAX_DEPTH 32 /* of actions in actions */

static int need_value(struct of_text_parser *p, const char *key, const char *value)
{
	return value && *value ? 0 : of_text_bad(p->e, "%s: expected %s:VALUE", key, key);
}

/* "enqueue:PORT:QUEUE" or "enqueue(PORT,QUEUE)". */
static int parse_enqueue(struct of_text_parser *p, const char *key, char *value)
{
	struct of_action a = {.type = OFACT_ENQUEUE};
	size_t len = value ? strcspn(value, ":,") : 0;
	uint64_t queue;

	if (!len || !value[len])
		return of_text_bad(p->e, "%s: expected %s:PORT:QUEUE", key, key);
	value[len] = '\0';
	if (!of_port_parse(value, p->names, &a.port))
		return of_text_bad(
			p->e, "%s: \"%s\": expected a port's number or name", key, value);
	if (of_text_u64(key, value + len + 1, UINT32_MAX, &queue, p->e))
		return -EINVAL;
	a.queue = (uint32_t)queue;
	return of_text_push(p, &a);
}

/* "resubmit:PORT" or "resubmit([PORT],[TABLE][,ct])". */
static int parse_resubmit(struct of_text_parser *p, const char *key, char *value)
{
	struct of_action a = {.type = OFACT_RESUBMIT, .port = OF_PORT_IN_PORT, .table = 0xff};
	char *table, *ct;
	uint64_t v;

	if (need_value(p, key, value))
		return -EINVAL;
	table = strchr(value, ',');
	if (table)
		*table++ = '\0';
	ct = table ? strchr(table, ',') : NULL;
	if (ct)
		*ct++ = '\0';
	if (ct && strcmp(ct, "ct") != 0)
		return of_text_bad(p->e, "%s: \"%s\": expected ct or nothing", key, ct);
	a.with_ct = ct != NULL;
	if (*value && !of_port_parse(value, p->names, &a.port))
		return of_text_bad(
			p->e, "%s: \"%s\": expected a port's number or name", key, value);
	if (table && *table) {
		if (of_text_u64("resubmit's table", table, OF_TABLES - 1, &v, p->e))
			return -EINVAL;
		a.table = (uint8_t)v;
	}
	return of_text_push(p, &a);
}

static int set_option(struct of_text_parser *p, unsigned option, const char *value)
{
	unsigned n = hal_option_bytes(option);
	struct of_action a = {.type = OFACT_SET_FIELD,
		.field = FIELD_TUN_METADATA,
		.option = (uint8_t)option,
		.has_mask = strchr(value, '/') != NULL};

	if (!n)
		return of_text_bad(
			p->e, "tun_metadata%u: no tunnel option is mapped to it", option);
	a.data = malloc(2 * n);
	if (!a.data)
		return -ENOMEM;
	a.data_len = (uint16_t)(2 * n);
	if (!hal_option_parse(option, n, value, a.data, a.data + n, p->e->text, p->e->n))
		return of_text_push(p, &a);
	of_action_free(&a);
	return -EINVAL;
}

static int parse_set_field(struct of_text_parser *p, const char *key, char *value)
{
	char *name = of_text_arrow(p, key, value);
	uint8_t wire[HAL_VALUE_MAX], mask[HAL_VALUE_MAX];
	enum hal_field_id id;
	unsigned option;
	int err;

	if (!name)
		return -EINVAL;
	if (hal_option_by_name(name, strlen(name), &option))
		return set_option(p, option, value);
	id = hal_field_by_name(name, strlen(name));
	if (id == FIELD_INVALID || !hal_fields[id].writable || hal_field_bytes(id) > 16)
		return of_text_bad(p->e, "%s: \"%s\" is no field that can be set", key, name);
	err = hal_field_parse(id, value, wire, mask, p->e->text, p->e->n);
	if (err)
		return err;
	/* An id that is set belongs to a tag. */
	if (id == FIELD_VLAN_VID) {
		wire[0] |= HAL_VLAN_PRESENT >> 8;
		mask[0] |= HAL_VLAN_PRESENT >> 8;
	}
	return of_actions_push_set(p->acts, id, wire, mask);
}

static int parse_load(struct of_text_parser *p, const char *key, char *value)
{
	char *to = of_text_arrow(p, key, value);
	struct of_subfield sf;
	uint64_t v, max;

	if (!to || of_subfield_parse(to, &sf, p->e))
		return -EINVAL;
	max = sf.n_bits >= 64 ? UINT64_MAX : (1ull << sf.n_bits) - 1;
	if (of_text_u64(key, value, max, &v, p->e))
		return -EINVAL;
	if (sf.n_bits > 64)
		sf.n_bits = 64;
	if (of_actions_push_load(p->acts, &sf, v))
		return of_text_bad(p->e, "%s: \"%s\" is no field that can be set", key, to);
	return 0;
}

static int parse_move(struct of_text_parser *p, const char *key, char *value)
{
	char *to = of_text_arrow(p, key, value);
	struct of_subfield src, dst;
	struct of_action a = {.type = OFACT_MOVE};

	if (!to || of_subfield_parse(value, &src, p->e) || of_subfield_parse(to, &dst, p->e))
		return -EINVAL;
	if (src.n_bits != dst.n_bits)
		return of_text_bad(p->e, "%s: %s has %u bits but %s has %u", key, value, src.n_bits,
			to, dst.n_bits);
	if (!hal_fields[dst.field].writable)
		return of_text_bad(p->e, "%s: \"%s\" is no field that can be set", key, to);
	a.field = src.field;
	a.dst_field = dst.field;
	a.src_ofs = (uint16_t)src.ofs;
	a.dst_ofs = (uint16_t)dst.ofs;
	a.n_bits = (uint16_t)src.n_bits;
	return of_text_push(p, &a);
}

/* "mod_..." with a value in the field's own form. */
static int parse_mod(struct of_text_parser *p, const char *key, char *value, enum hal_field_id id)
{
	uint8_t wire[HAL_VALUE_MAX], mask[HAL_VALUE_MAX];
	int err;

	if (need_value(p, key, value))
		return -EINVAL;
	err = hal_field_parse(id, value, wire, mask, p->e->text, p->e->n);
	return err ? err : of_actions_push_mod(p->acts, id, wire);
}

static int parse_tos(struct of_text_parser *p, const char *key, char *value)
{
	uint64_t v;

	if (of_text_u64(key, value, 255, &v, p->e))
		return -EINVAL;
	if (v & 3)
		return of_text_bad(p->e, "%s: \"%s\": expected a multiple of 4", key, value);
	return of_actions_push_mod_u64(p->acts, FIELD_IP_DSCP, v >> 2);
}

static int parse_tp(struct of_text_parser *p, const char *key, char *value, bool dst)
{
	uint64_t v;

	if (of_text_u64(key, value, UINT16_MAX, &v, p->e))
		return -EINVAL;
	return of_actions_push_set_tp(p->acts, dst, (uint16_t)v, p->match);
}

/* Actions with no argument or one number. */
static const struct simple {
	const char *name;
	enum of_action_type type;
	enum { NO_ARG, STRIP, ETH_TYPE, QUEUE, GROUP, TTL, VLAN } arg;
	uint32_t max;
} simples[] = {
	{"ct_clear", OFACT_CT_CLEAR, NO_ARG, 0},
	{"exit", OFACT_EXIT, NO_ARG, 0},
	{"pop_queue", OFACT_POP_QUEUE, NO_ARG, 0},
	{"strip_vlan", OFACT_POP_VLAN, STRIP, 0},
	{"pop_vlan", OFACT_POP_VLAN, NO_ARG, 0},
	{"push_vlan", OFACT_PUSH_VLAN, ETH_TYPE, UINT16_MAX},
	{"push_mpls", OFACT_PUSH_MPLS, ETH_TYPE, UINT16_MAX},
	{"pop_mpls", OFACT_POP_MPLS, ETH_TYPE, UINT16_MAX},
	{"push_pbb", OFACT_PUSH_PBB, ETH_TYPE, UINT16_MAX},
	{"pop_pbb", OFACT_POP_PBB, NO_ARG, 0},
	{"set_mpls_ttl", OFACT_SET_MPLS_TTL, TTL, UINT8_MAX},
	{"dec_mpls_ttl", OFACT_DEC_MPLS_TTL, NO_ARG, 0},
	{"copy_ttl_out", OFACT_COPY_TTL_OUT, NO_ARG, 0},
	{"copy_ttl_in", OFACT_COPY_TTL_IN, NO_ARG, 0},
	{"set_queue", OFACT_SET_QUEUE, QUEUE, UINT32_MAX},
	{"group", OFACT_GROUP, GROUP, 0xffffff00},
	{"mod_vlan_vid", OFACT_SET_VLAN_VID_10, VLAN, 0xfff},
	{"set_vlan_vid", OFACT_SET_VLAN_VID_10, VLAN, 0xfff},
	{"mod_vlan_pcp", OFACT_SET_VLAN_PCP_10, VLAN, 7},
	{"set_vlan_pcp", OFACT_SET_VLAN_PCP_10, VLAN, 7},
};

static bool eth_type_ok(enum of_action_type type, uint64_t v)
{
	switch (type) {
	case OFACT_PUSH_VLAN:
		return v == 0x8100 || v == 0x88a8;
	case OFACT_PUSH_MPLS:
		return v == 0x8847 || v == 0x8848;
	case OFACT_PUSH_PBB:
		return v == 0x88e7;
	default:
		return true;
	}
}

static int parse_simple(struct of_text_parser *p, const struct simple *s, const char *value)
{
	struct of_action a = {.type = s->type};
	uint64_t v = 0;

	bool no_arg = s->arg == NO_ARG || s->arg == STRIP;

	if (no_arg && value && *value)
		return of_text_bad(p->e, "%s: \"%s\": it takes no value", s->name, value);
	if (!no_arg && of_text_u64(s->name, value, s->max, &v, p->e))
		return -EINVAL;
	switch (s->arg) {
	case NO_ARG:
		break;
	case STRIP:
		a.form = OF_SET_MOD;
		break;
	case ETH_TYPE:
		a.eth_type = (uint16_t)v;
		break;
	case QUEUE:
		a.queue = (uint32_t)v;
		break;
	case GROUP:
		a.group = (uint32_t)v;
		break;
	case TTL:
		a.ttl = (uint8_t)v;
		break;
	case VLAN:
		a.vlan = (uint16_t)v;
		break;
	}
	if (!eth_type_ok(a.type, v))
		return of_text_bad(
			p->e, "%s: \"%s\" is no Ethernet type that can be pushed", s->name, value);
	return of_text_push(p, &a);
}

/* -ENOENT if `key` is none of them. */
static int parse_named(struct of_text_parser *p, const char *key, char *value)
{
	static const struct {
		const char *name;
		of_text_parse_fn *parse;
	} fns[] = {
		{"output", of_text_output},
		{"controller", of_text_controller},
		{"ct", of_text_ct},
		{"clone", of_text_clone},
		{"learn", of_text_learn},
		{"conjunction", of_text_conjunction},
		{"multipath", of_text_multipath},
		{"bundle", of_text_bundle},
		{"bundle_load", of_text_bundle},
		{"sample", of_text_sample},
		{"check_pkt_larger", of_text_check_pkt_larger},
		{"push", of_text_stack},
		{"pop", of_text_stack},
		{"fin_timeout", of_text_fin_timeout},
		{"note", of_text_note},
		{"delete_field", of_text_delete_field},
		{"dec_ttl", of_text_dec_ttl},
		{"enqueue", parse_enqueue},
		{"resubmit", parse_resubmit},
		{"set_field", parse_set_field},
		{"load", parse_load},
		{"move", parse_move},
		{"mod_nw_tos", parse_tos},
	};
	static const struct {
		const char *name;
		enum hal_field_id id;
	} mods[] = {
		{"mod_dl_src", FIELD_ETH_SRC},
		{"mod_dl_dst", FIELD_ETH_DST},
		{"mod_nw_src", FIELD_IPV4_SRC},
		{"mod_nw_dst", FIELD_IPV4_DST},
		{"mod_nw_ecn", FIELD_IP_ECN},
		{"mod_nw_ttl", FIELD_IP_TTL},
		{"set_tunnel", FIELD_TUNNEL_ID},
		{"set_tunnel64", FIELD_TUNNEL_ID},
		{"set_mpls_label", FIELD_MPLS_LABEL},
		{"set_mpls_tc", FIELD_MPLS_TC},
	};

	for (unsigned i = 0; i < sizeof(fns) / sizeof(fns[0]); i++)
		if (!strcasecmp(fns[i].name, key))
			return fns[i].parse(p, key, value);
	for (unsigned i = 0; i < sizeof(mods) / sizeof(mods[0]); i++)
		if (!strcasecmp(mods[i].name, key))
			return parse_mod(p, key, value, mods[i].id);
	for (unsigned i = 0; i < sizeof(simples) / sizeof(simples[0]); i++)
		if (!strcasecmp(simples[i].name, key))
			return parse_simple(p, &simples[i], value);
	if (!strcasecmp(key, "mod_tp_src") || !strcasecmp(key, "mod_tp_dst"))
		return parse_tp(p, key, value, !strcasecmp(key, "mod_tp_dst"));
	return -ENOENT;
}

static int parse_metadata(struct of_text_parser *p, const char *key, char *value)
{
	char *mask = value ? strchr(value, '/') : NULL;

	if (mask)
		*mask++ = '\0';
	p->ins->has_metadata = true;
	p->ins->metadata_mask = UINT64_MAX;
	if (of_text_u64(key, value, UINT64_MAX, &p->ins->metadata, p->e) ||
		(mask && of_text_u64("write_metadata's mask", mask, UINT64_MAX,
				 &p->ins->metadata_mask, p->e)))
		return -EINVAL;
	if (p->ins->metadata & ~p->ins->metadata_mask)
		return of_text_bad(p->e, "%s: the value has bits outside its mask", key);
	return 0;
}

/* -ENOENT if `key` is no instruction. */
static int parse_instruction(struct of_text_parser *p, const char *key, char *value)
{
	bool is_goto = !strcmp(key, "goto_table"), is_meter = !strcmp(key, "meter");
	bool write = !strcmp(key, "write_actions"), apply = !strcmp(key, "apply_actions");
	bool metadata = !strcmp(key, "write_metadata"), clear = !strcmp(key, "clear_actions");
	uint64_t v;

	if (!is_goto && !is_meter && !write && !apply && !metadata && !clear)
		return -ENOENT;
	if (!p->ins)
		return of_text_bad(p->e, "%s: an instruction cannot stand here", key);
	if ((is_goto && p->ins->has_goto) || (is_meter && p->ins->has_meter) ||
		(write && p->ins->write.n) || (metadata && p->ins->has_metadata))
		return of_text_bad(p->e, "%s: given twice", key);
	if (clear) {
		p->ins->clear = true;
		return value && *value ? of_text_bad(p->e, "%s: it takes no value", key) : 0;
	}
	if (metadata)
		return parse_metadata(p, key, value);
	if (write || apply) {
		if (!value)
			return of_text_bad(p->e, "%s: expected %s(ACTIONS)", key, key);
		return of_text_actions(value, p->names, p->match,
			write ? &p->ins->write : &p->ins->apply, NULL, p->e);
	}
	if (of_text_u64(key, value, is_goto ? OF_TABLES - 1 : UINT32_MAX, &v, p->e))
		return -EINVAL;
	if (is_goto) {
		p->ins->has_goto = true;
		p->ins->goto_table = (uint8_t)v;
	} else {
		p->ins->has_meter = true;
		p->ins->meter = (uint32_t)v;
	}
	return 0;
}

static int parse_one(struct of_text_parser *p, const char *key, char *value, bool *drop)
{
	int err = parse_instruction(p, key, value);
	uint32_t port;

	if (err == -ENOENT)
		err = parse_named(p, key, value);
	if (err != -ENOENT)
		return err;
	if (!strcasecmp(key, "drop")) {
		*drop = true;
		return value ? of_text_bad(p->e, "drop: it takes no value") : 0;
	}
	/* A port alone is an output. */
	if (!value && of_port_parse(key, p->names, &port))
		return of_text_output(p, "output", (char *)key);
	return of_text_bad(p->e, "\"%s\": expected an action, such as output:1 or drop", key);
}

static int parse_list(struct of_text_parser *p, char *text)
{
	unsigned before = p->acts->n, n = 0;
	char *key, *value;
	bool drop = false;
	int err;

	if (p->depth > MAX_DEPTH)
		return of_text_bad(p->e, "actions are nested in each other too deeply");
	while (!(err = of_text_next(&text, &key, &value, p->e))) {
		err = parse_one(p, key, value, &drop);
		if (err)
			return err;
		n++;
	}
	if (err != -ENOENT)
		return err;
	if (drop && (n > 1 || p->acts->n > before))
		return of_text_bad(p->e, "drop: expected to stand alone");
	return 0;
}

int of_text_nested(struct of_text_parser *p, char *text, struct of_actions *acts)
{
	struct of_text_parser in = {p->names, p->match, acts, NULL, p->e, p->depth + 1};

	return text ? parse_list(&in, text) : 0;
}

int of_text_actions(char *text, const struct of_port_names *names, const struct hal_match *match,
	struct of_actions *acts, struct of_instructions *ins, struct of_err *e)
{
	struct of_text_parser p = {names, match, acts, ins, e, 0};

	return parse_list(&p, text);
}
