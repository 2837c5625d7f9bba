/* SPDX-License-Identifier: Apache-2.0
 *
 * OpenFlow actions, one by one.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hal/mutation.h"
#include "ofctl/pipeline/action_set.h"
#include "ofctl/pipeline/xlate.h"
#include "ofctl/pipeline/xlate_more.h"

void xlate_send(struct xlate *x, const struct pl_port *port)
{
	if (port->cfg.internal && xlate_tunnel_in(x, port))
		return;
	if (port->cfg.tunnel.on)
		xlate_tunnel_out(x, port);
	else if (port->cfg.dp_port != HAL_PORT_NONE)
		xlate_emit_output(x, port);
	else
		xlate_enter_patch(x, port);
}

static void output_to(struct xlate *x, const struct pl_port *port)
{
	xlate_depend(x, dep_key_port(x->br, port->cfg.number));
	if (!port->no_fwd)
		xlate_send(x, port);
}

static uint32_t in_number(const struct xlate *x)
{
	return rte_be_to_cpu_32(x->key.in_port_of);
}

static void output_all(struct xlate *x, bool flood)
{
	xlate_depend(x, dep_key_bridge(x->br, DEP_PORT_SET));
	HMAP_FOR_EACH (p, struct pl_port, node, &x->br->ports)
		if (MUTATE(10, p->cfg.number != in_number(x), 1) && !(flood && p->no_flood))
			output_to(x, p);
}

void xlate_output(struct xlate *x, uint32_t number, uint16_t max_len)
{
	const struct pl_port *port;

	switch (number) {
	case OF_PORT_IN_PORT:
		port = bridge_port(x->br, in_number(x));
		if (port)
			output_to(x, port);
		return;
	case OF_PORT_TABLE:
		if (x->packet_out && x->depth < XLATE_MAX_DEPTH) {
			x->packet_out = false;
			xlate_table(x, 0, x->key.in_port_of);
			if (x->freezing)
				xlate_frame_set(x);
			else if (!x->error)
				xlate_action_set(x);
			x->packet_out = true;
		}
		return;
	case OF_PORT_NORMAL:
		xlate_normal(x);
		return;
	case OF_PORT_FLOOD:
	case OF_PORT_ALL:
		output_all(x, number == OF_PORT_FLOOD);
		return;
	case OF_PORT_CONTROLLER:
		xlate_emit_controller(x, max_len, x->pin_reason);
		return;
	case OF_PORT_ANY:
	case OF_PORT_UNSET:
		return;
	default:
		break;
	}
	port = bridge_port(x->br, number);
	if (!port) {
		/* It may come: then this has to be translated again. */
		xlate_depend(x, dep_key_port(x->br, number));
		return;
	}
	/* OpenFlow 1.3, 4.5: only IN_PORT sends a packet back where it came from. */
	if (number == in_number(x) && MUTATE(11, 1, 0))
		return;
	output_to(x, port);
}

static bool is_ip(const struct xlate *x)
{
	uint16_t type = rte_be_to_cpu_16(x->key.dp.eth_type);

	return type == 0x0800 || type == 0x86dd;
}

static void dec_nw_ttl(struct xlate *x)
{
	xlate_need_field(x, FIELD_ETH_TYPE);
	if (!is_ip(x) || xlate_dec_ttl(x))
		return;
	xlate_emit_controller(x, 128, OF_REASON_INVALID_TTL);
	x->stop = true;
}

static void mpls_ttl(struct xlate *x, const struct of_action *a)
{
	uint8_t ttl = a->ttl;

	uint16_t type = rte_be_to_cpu_16(x->key.dp.eth_type);

	xlate_need_field(x, FIELD_ETH_TYPE);
	if (type != 0x8847 && type != 0x8848)
		return;
	if (a->type == OFACT_DEC_MPLS_TTL) {
		xlate_need_field(x, FIELD_MPLS_TTL);
		ttl = (uint8_t)hal_field_get_u64(FIELD_MPLS_TTL, &x->key);
		if (ttl <= 1) {
			xlate_emit_controller(x, 128, OF_REASON_INVALID_TTL);
			x->stop = true;
			return;
		}
		ttl--;
	}
	xlate_emit_set(x, FIELD_MPLS_TTL, &ttl, NULL);
	xlate_write_field(x, FIELD_MPLS_TTL, &ttl, NULL);
}

static void one_action(struct xlate *x, const struct of_action *a)
{
	xlate_trace_action(x, a);
	switch (a->type) {
	case OFACT_OUTPUT:
	case OFACT_ENQUEUE:
		xlate_output(x, a->port, a->max_len);
		break;
	case OFACT_SET_FIELD:
		xlate_set_field_action(x, a);
		break;
	case OFACT_SET_VLAN_VID_10:
	case OFACT_SET_VLAN_PCP_10:
		xlate_set_vlan_10(x, a);
		break;
	case OFACT_PUSH_VLAN:
		xlate_push_vlan_action(x, a->eth_type);
		break;
	case OFACT_POP_VLAN:
		xlate_pop_vlan_action(x);
		break;
	case OFACT_PUSH_MPLS:
		xlate_push_mpls(x, a->eth_type);
		break;
	case OFACT_POP_MPLS:
		xlate_pop_mpls(x, a->eth_type);
		break;
	case OFACT_DEC_NW_TTL:
		dec_nw_ttl(x);
		break;
	case OFACT_SET_MPLS_TTL:
	case OFACT_DEC_MPLS_TTL:
		mpls_ttl(x, a);
		break;
	case OFACT_MOVE:
		xlate_move(x, a);
		break;
	case OFACT_RESUBMIT:
		xlate_resubmit(x, a);
		break;
	case OFACT_PUSH_PBB:
		xlate_push_pbb(x, a->eth_type);
		break;
	case OFACT_POP_PBB:
		xlate_pop_pbb(x);
		break;
	case OFACT_COPY_TTL_IN:
	case OFACT_COPY_TTL_OUT:
		xlate_copy_ttl(x, a->type == OFACT_COPY_TTL_IN);
		break;
	case OFACT_SET_QUEUE:
	case OFACT_MAX:
		/* Refused when the flow was added (check.c). */
		x->error = -EOPNOTSUPP;
		break;
	case OFACT_DELETE_FIELD:
		xlate_delete_field(x, a);
		break;
	case OFACT_GROUP:
		xlate_group(x, a->group);
		break;
	case OFACT_METER:
		xlate_meter(x, a->meter);
		break;
	case OFACT_CT:
		xlate_ct(x, a);
		break;
	case OFACT_CT_CLEAR:
		xlate_ct_clear(x);
		break;
	case OFACT_CLONE:
		xlate_clone(x, &a->nested);
		break;
	case OFACT_CHECK_PKT_LARGER:
		xlate_check_pkt_larger(x, a);
		break;
	case OFACT_OUTPUT_TRUNC:
		xlate_output_trunc(x, a);
		break;
	case OFACT_CONTROLLER:
		xlate_controller(x, a);
		break;
	case OFACT_OUTPUT_REG:
		xlate_output_reg(x, a);
		break;
	case OFACT_STACK_PUSH:
	case OFACT_STACK_POP:
		xlate_stack(x, a);
		break;
	case OFACT_LEARN:
		xlate_learn(x, a);
		break;
	case OFACT_MULTIPATH:
		xlate_multipath(x, a->choice);
		break;
	case OFACT_BUNDLE:
		xlate_bundle(x, a->choice);
		break;
	case OFACT_FIN_TIMEOUT:
		xlate_fin_timeout(x, a);
		break;
	case OFACT_SAMPLE:      /* for flow export: nobody collects */
	case OFACT_CONJUNCTION: /* is of the lookup, not an action */
	case OFACT_POP_QUEUE:   /* no port has queues */
	case OFACT_NOTE:        /* says nothing to the switch */
		break;
	case OFACT_EXIT:
		x->exit = true;
		break;
	}
}

static bool below_label(enum hal_field_id id)
{
	size_t at = hal_fields[id].offset;

	return at >= offsetof(struct hal_key, ip_proto) &&
	       at < offsetof(struct hal_key, ipv6_exthdr);
}

/* True if the action reads or writes what lies below the last label, which was popped. Tables and
 * buckets that it leads to see to that themselves. */
static bool looks_below_label(const struct of_action *a)
{
	switch (a->type) {
	case OFACT_OUTPUT:
	case OFACT_OUTPUT_TRUNC:
	case OFACT_ENQUEUE:
	case OFACT_CONTROLLER:
	case OFACT_SET_VLAN_VID_10:
	case OFACT_SET_VLAN_PCP_10:
	case OFACT_PUSH_VLAN:
	case OFACT_POP_VLAN:
	case OFACT_SET_QUEUE:
	case OFACT_GROUP:
	case OFACT_METER:
	case OFACT_CLONE:
	case OFACT_CHECK_PKT_LARGER:
	case OFACT_EXIT:
	case OFACT_NOTE:
		return false;
	case OFACT_RESUBMIT:
		return a->with_ct;
	case OFACT_SET_FIELD:
		return below_label(a->field);
	case OFACT_MOVE:
		return below_label(a->field) || below_label(a->dst_field);
	default:
		return true;
	}
}

void xlate_list_run(struct xlate *x, struct xlate_list *l)
{
	l->outer = x->list;
	x->list = l;
	while (l->next < l->acts->n && !xlate_halted(x)) {
		const struct of_action *a = &l->acts->a[l->next++];

		if (x->n_actions++ >= XLATE_MAX_ACTIONS)
			x->error = -ELOOP;
		else if (x->unparsed && looks_below_label(a))
			xlate_freeze(x);
		else
			one_action(x, a);
	}
	x->list = l->outer;
}

void xlate_actions(struct xlate *x, const struct of_actions *acts)
{
	struct xlate_list l = {.acts = acts};

	xlate_list_run(x, &l);
	if (x->freezing)
		xlate_frame_list(x, &l, false);
}

void xlate_action_set(struct xlate *x)
{
	const struct of_actions set = {x->n_set, x->set};
	struct of_actions list;

	if (x->n_set)
		xlate_trace(x, "the action set:");
	x->n_set = 0;
	/* What an exit action ends is the way through tables. */
	x->exit = false;
	if (action_set_sort(&set, &list)) {
		x->error = -ENOMEM;
		return;
	}
	/* Also after a table-miss flow: another flow may have written the set. */
	x->pin_reason = OF_REASON_ACTION_SET;
	xlate_actions(x, &list);
	free(list.a);
}
