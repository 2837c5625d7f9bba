/* SPDX-License-Identifier: Apache-2.0
 *
 * Printing actions, instructions and flows.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "hal/option.h"
#include "ofctl/openflow/text_action.h"

static void put_output(
	struct of_text *t, const struct of_action *a, const struct of_port_names *names)
{
	char port[80];

	of_port_format(a->port, names, port, sizeof(port));
	if (a->port < OF_PORT_MAX)
		of_text_put(t, "output:%s", port);
	else if (a->port == OF_PORT_CONTROLLER)
		of_text_put(t, "CONTROLLER:%u", a->max_len);
	else
		of_text_put(t, "%s", port);
}

/* Actions that fields have had of their own. */
static const char *mod_name(enum hal_field_id field)
{
	switch (field) {
	case FIELD_ETH_SRC:
		return "mod_dl_src";
	case FIELD_ETH_DST:
		return "mod_dl_dst";
	case FIELD_IPV4_SRC:
		return "mod_nw_src";
	case FIELD_IPV4_DST:
		return "mod_nw_dst";
	case FIELD_IP_TTL:
		return "mod_nw_ttl";
	case FIELD_IP_ECN:
		return "mod_nw_ecn";
	case FIELD_TCP_SRC:
	case FIELD_UDP_SRC:
	case FIELD_SCTP_SRC:
		return "mod_tp_src";
	case FIELD_TCP_DST:
	case FIELD_UDP_DST:
	case FIELD_SCTP_DST:
		return "mod_tp_dst";
	default:
		return NULL;
	}
}

static uint64_t value_of(const struct of_action *a)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < hal_field_bytes(a->field) && i < 8; i++)
		v = v << 8 | a->value[i];
	return v;
}

static void put_mod(struct of_text *t, const struct of_action *a)
{
	uint64_t v = value_of(a);
	char value[64];

	switch (a->field) {
	case FIELD_IP_DSCP:
		of_text_put(t, "mod_nw_tos:%u", a->value[0] << 2);
		return;
	case FIELD_TUNNEL_ID:
		of_text_put(t, "%s:0x%" PRIx64, v >> 32 ? "set_tunnel64" : "set_tunnel", v);
		return;
	case FIELD_MPLS_LABEL:
		of_text_put(t, "set_mpls_label(%" PRIu64 ")", v);
		return;
	case FIELD_MPLS_TC:
		of_text_put(t, "set_mpls_tc(%" PRIu64 ")", v);
		return;
	default:
		hal_field_format(a->field, a->value, NULL, value, sizeof(value));
		of_text_put(t, "%s:%s", mod_name(a->field), value);
	}
}

static void put_loads(struct of_text *t, const struct of_action *a)
{
	struct of_load l = {0};

	for (const char *comma = ""; of_next_load(a, &l); comma = ",") {
		of_text_put(t, "%sload:%s%" PRIx64 "->", comma, l.value ? "0x" : "", l.value);
		of_text_put_sub(t, &l.to);
	}
}

static bool has_mod(const struct of_action *a)
{
	return a->form == OF_SET_MOD &&
	       (mod_name(a->field) || a->field == FIELD_IP_DSCP || a->field == FIELD_TUNNEL_ID ||
		       a->field == FIELD_MPLS_LABEL || a->field == FIELD_MPLS_TC);
}

static void put_option(struct of_text *t, const struct of_action *a)
{
	unsigned n = a->data_len / 2;
	char text[HAL_OPTION_MAX * 4 + 8];
	struct hal_text ht = hal_text_start(text, sizeof(text));

	hal_option_put(&ht, a->data, a->has_mask ? a->data + n : NULL, n);
	of_text_put(t, "%s->tun_metadata%u", text, a->option);
}

static void put_set(struct of_text *t, const struct of_action *a)
{
	if (a->form == OF_SET_LOAD) {
		put_loads(t, a);
		return;
	}
	if (has_mod(a)) {
		put_mod(t, a);
		return;
	}
	of_text_put(t, "set_field:");
	if (a->field == FIELD_TUN_METADATA) {
		put_option(t, a);
		return;
	}
	of_text_put_value(t, a->field, a->value, a->has_mask ? a->mask : NULL);
	of_text_put(t, "->%s", of_field_name(a->field));
}

static void put_move(struct of_text *t, const struct of_action *a)
{
	struct of_subfield src = {a->field, a->src_ofs, a->n_bits};
	struct of_subfield dst = {a->dst_field, a->dst_ofs, a->n_bits};
	char from[80], to[80];

	of_subfield_format(&src, from, sizeof(from));
	of_subfield_format(&dst, to, sizeof(to));
	of_text_put(t, "move:%s->%s", from, to);
}

static void put_resubmit(
	struct of_text *t, const struct of_action *a, const struct of_port_names *names)
{
	char port[80] = "", table[8] = "";

	if (a->port != OF_PORT_IN_PORT || (a->table == 0xff && !a->with_ct))
		of_port_format(a->port, names, port, sizeof(port));
	if (a->table == 0xff && !a->with_ct) {
		of_text_put(t, "resubmit:%s", port);
		return;
	}
	if (a->table != 0xff)
		snprintf(table, sizeof(table), "%u", a->table);
	of_text_put(t, "resubmit(%s,%s%s)", port, table, a->with_ct ? ",ct" : "");
}

static void put_action(
	struct of_text *t, const struct of_action *a, const struct of_port_names *names)
{
	char port[80];

	switch (a->type) {
	case OFACT_OUTPUT:
		put_output(t, a, names);
		break;
	case OFACT_SET_FIELD:
		put_set(t, a);
		break;
	case OFACT_PUSH_VLAN:
		of_text_put(t, "push_vlan:0x%04x", a->eth_type);
		break;
	case OFACT_POP_VLAN:
		of_text_put(t, "%s", a->form == OF_SET_MOD ? "strip_vlan" : "pop_vlan");
		break;
	case OFACT_PUSH_MPLS:
		of_text_put(t, "push_mpls:0x%04x", a->eth_type);
		break;
	case OFACT_POP_MPLS:
		of_text_put(t, "pop_mpls:0x%04x", a->eth_type);
		break;
	case OFACT_PUSH_PBB:
		of_text_put(t, "push_pbb:0x%04x", a->eth_type);
		break;
	case OFACT_POP_PBB:
		of_text_put(t, "pop_pbb");
		break;
	case OFACT_SET_MPLS_TTL:
		of_text_put(t, "set_mpls_ttl(%u)", a->ttl);
		break;
	case OFACT_DEC_MPLS_TTL:
		of_text_put(t, "dec_mpls_ttl");
		break;
	case OFACT_COPY_TTL_OUT:
		of_text_put(t, "copy_ttl_out");
		break;
	case OFACT_COPY_TTL_IN:
		of_text_put(t, "copy_ttl_in");
		break;
	case OFACT_SET_QUEUE:
		of_text_put(t, "set_queue:%u", a->queue);
		break;
	case OFACT_GROUP:
		of_text_put(t, "group:%u", a->group);
		break;
	case OFACT_SET_VLAN_VID_10:
		of_text_put(t, "mod_vlan_vid:%u", a->vlan);
		break;
	case OFACT_SET_VLAN_PCP_10:
		of_text_put(t, "mod_vlan_pcp:%u", a->vlan);
		break;
	case OFACT_ENQUEUE:
		of_text_put(t, "enqueue:%s:%u", of_port_format(a->port, names, port, sizeof(port)),
			a->queue);
		break;
	case OFACT_MOVE:
		put_move(t, a);
		break;
	case OFACT_RESUBMIT:
		put_resubmit(t, a, names);
		break;
	case OFACT_CT:
		of_text_put_ct(t, a, names);
		break;
	case OFACT_LEARN:
		of_text_put_learn(t, a, names);
		break;
	case OFACT_MULTIPATH:
		of_text_put_multipath(t, a, names);
		break;
	case OFACT_BUNDLE:
		of_text_put_bundle(t, a, names);
		break;
	case OFACT_CONTROLLER:
		of_text_put_controller(t, a, names);
		break;
	default:
		of_text_put_nx(t, a, names);
		break;
	}
}

void of_text_put_actions(
	struct of_text *t, const struct of_actions *acts, const struct of_port_names *names)
{
	const char *comma = "";

	for (unsigned i = 0; i < acts->n; i++) {
		of_text_put(t, "%s", comma);
		put_action(t, &acts->a[i], names);
		comma = ",";
		if (of_actions_tp_run(acts, i) > 1)
			i += of_actions_tp_run(acts, i) - 1;
	}
}

void of_text_put_instructions(
	struct of_text *t, const struct of_instructions *ins, const struct of_port_names *names)
{
	size_t start = t->len;

#define COMMA (t->len > start ? "," : "")
	if (ins->has_meter)
		of_text_put(t, "%smeter:%u", COMMA, ins->meter);
	if (ins->apply.n) {
		of_text_put(t, "%s", COMMA);
		of_text_put_actions(t, &ins->apply, names);
	}
	if (ins->clear)
		of_text_put(t, "%sclear_actions", COMMA);
	if (ins->write.n) {
		of_text_put(t, "%swrite_actions(", COMMA);
		of_text_put_actions(t, &ins->write, names);
		of_text_put(t, ")");
	}
	if (ins->has_metadata) {
		of_text_put(t, "%swrite_metadata:0x%" PRIx64, COMMA, ins->metadata);
		if (ins->metadata_mask != UINT64_MAX)
			of_text_put(t, "/0x%" PRIx64, ins->metadata_mask);
	}
	if (ins->has_goto)
		of_text_put(t, "%sgoto_table:%u", COMMA, ins->goto_table);
#undef COMMA
	if (t->len == start)
		of_text_put(t, "drop");
}

char *of_instructions_format(const struct of_instructions *ins, const struct of_port_names *names)
{
	struct of_text t = {0};

	of_text_put_instructions(&t, ins, names);
	return of_text_take(&t);
}

char *of_actions_format(const struct of_actions *acts, const struct of_port_names *names)
{
	struct of_text t = {0};

	of_text_put_actions(&t, acts, names);
	if (!acts->n)
		of_text_put(&t, "drop");
	return of_text_take(&t);
}
