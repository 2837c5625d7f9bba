/* SPDX-License-Identifier: Apache-2.0
 *
 * Ends of tunnels.
 *
 * They have no netdev and so no ifindex, and their datapath ids mean something else in each run of
 * the daemon: in the maps each has a name that none had before. Rules of a former run that have to
 * do with tunnels are given up.
 */
#include <errno.h>
#include <string.h>

#include <bpf/bpf.h>

#include "drivers/ebpf/ebpf.h"

static struct ebpf_end *find(const struct ebpf_dev *dev, uint32_t port)
{
	for (unsigned i = 0; i < EBPF_TUNNELS; i++)
		if (dev->tunnels[i].name && dev->tunnels[i].port == port)
			return (struct ebpf_end *)(uintptr_t)&dev->tunnels[i];
	return NULL;
}

uint32_t ebpf_tunnel_name(const struct ebpf_dev *dev, uint32_t port)
{
	const struct ebpf_end *end = find(dev, port);

	return end ? end->name : 0;
}

unsigned ebpf_n_tunnels(const struct ebpf_dev *dev)
{
	unsigned n = 0;

	for (unsigned i = 0; i < EBPF_TUNNELS; i++)
		n += dev->tunnels[i].name && !dev->tunnels[i].gone;
	return n;
}

uint32_t ebpf_tunnel_port(const struct ebpf_dev *dev, uint32_t name)
{
	const struct ebpf_end *end = &dev->tunnels[name & (EBPF_TUNNELS - 1)];

	return name && end->name == name ? end->port : HAL_PORT_NONE;
}

/* ---- rules ---- */

static uint32_t in_port_of(const struct hal_cmatch *match)
{
	struct hal_match m;

	hal_cmatch_expand(match, &m);
	return m.mask.dp.in_port == UINT32_MAX ? rte_be_to_cpu_32(m.value.dp.in_port)
					       : HAL_PORT_NONE;
}

static bool is_there(const struct ebpf_dev *dev, uint32_t port)
{
	const struct ebpf_end *end = find(dev, port);

	return end && !end->gone;
}

/* A packet is taken out of one tunnel only, and handed up only as it came to its port. */
static int check_place(const struct ebpf_dev *dev, const struct hal_rule *rule, uint16_t type,
	struct hal_reason *r)
{
	if (rule->chain)
		return hal_refuse_action(r, HAL_REASON_UNSUPPORTED_COMBINATION, type,
			"what it cannot be done with could not be handed up from within a chain");
	if (type == ACTION_TUNNEL_POP && find(dev, in_port_of(rule->match)))
		return hal_refuse_action(r, HAL_REASON_UNSUPPORTED_COMBINATION, type,
			"a packet is taken out of one tunnel only");
	return 0;
}

int ebpf_tunnel_check(
	const struct ebpf_dev *dev, const struct hal_rule *rule, bool ahead, struct hal_reason *r)
{
	ACTION_FOR_EACH (a, rule->program) {
		uint32_t port;
		int err;

		if (a->type == ACTION_TUNNEL_POP)
			port = ((const struct hal_act_tunnel_pop *)a)->port;
		else if (a->type == ACTION_TUNNEL_PUSH)
			port = ((const struct hal_act_tunnel_push *)a)->port;
		else
			continue;
		if (!ahead && !is_there(dev, port))
			return hal_refuse_action(r, HAL_REASON_DEPENDS, a->type,
				"there is no end of tunnels %u", port);
		err = check_place(dev, rule, a->type, r);
		if (err)
			return err;
	}
	return 0;
}

static bool is_named_by(
	const struct ebpf_dev *dev, const struct ebpf_rule *rule, const struct ebpf_end *end)
{
	struct ebpf_code code;

	if (!ebpf_slot_read(dev, rule->slot, &code) || !ebpf_encap_is_in(&code))
		return false;
	for (unsigned i = 0; i < code.n; i++)
		if ((code.step[i].op == EBPF_ENCAPSULATE || code.step[i].op == EBPF_DECAPSULATE) &&
			code.step[i].arg == end->name)
			return true;
	return false;
}

static bool is_used(const struct ebpf_dev *dev, const struct ebpf_end *end)
{
	HMAP_FOR_EACH (rule, struct ebpf_rule, node, &dev->rules) {
		if (is_named_by(dev, rule, end))
			return true;
	}
	return false;
}

static bool has_rules(const struct ebpf_dev *dev, const struct ebpf_end *end)
{
	HMAP_FOR_EACH (rule, struct ebpf_rule, node, &dev->rules) {
		if (in_port_of(rule->match) == end->port)
			return true;
	}
	return false;
}

/* ---- made and deleted ---- */

/* The place is kept while keys of rules have the name. */
static void release(struct ebpf_dev *dev, struct ebpf_end *end)
{
	end->gone = true;
	if (!has_rules(dev, end))
		*end = (struct ebpf_end){0};
}

static struct ebpf_end *find_place(struct ebpf_dev *dev)
{
	for (unsigned pass = 0; pass < 2; pass++) {
		for (unsigned i = 0; i < EBPF_TUNNELS; i++)
			if (!dev->tunnels[i].name)
				return &dev->tunnels[i];
		for (unsigned i = 0; i < EBPF_TUNNELS; i++)
			if (dev->tunnels[i].gone)
				release(dev, &dev->tunnels[i]);
	}
	return NULL;
}

int ebpf_tunnel_set(struct ebpf_dev *dev, const struct hal_object *obj, struct hal_reason *r)
{
	struct ebpf_end *end = find(dev, obj->id);
	uint32_t place;
	int err;

	if (obj->len != sizeof(struct hal_tunnel))
		return hal_refuse(r, HAL_REASON_DEVICE_ERROR, "it is not described");
	if (end && !end->gone)
		return 0;
	if (!end)
		end = find_place(dev);
	if (!end) {
		hal_refuse(
			r, HAL_REASON_NO_ROOM, "all %u ends of tunnels are in use", EBPF_TUNNELS);
		return -ENOSPC;
	}
	place = (uint32_t)(end - dev->tunnels);
	err = ebpf_traffic_clear(dev, dev->maps.tunnels, &place);
	if (err)
		return hal_refuse(r, HAL_REASON_DEVICE_ERROR, "%s", strerror(-err));
	if (!end->name)
		end->name =
			EBPF_TUNNEL | (++dev->maps.control->tunnels << 8 & ~EBPF_TUNNEL) | place;
	end->port = obj->id;
	end->gone = false;
	return 0;
}

int ebpf_tunnel_del(struct ebpf_dev *dev, uint32_t id)
{
	struct ebpf_end *end = find(dev, id);

	if (id == HAL_OBJECT_ALL) {
		for (unsigned i = 0; i < EBPF_TUNNELS; i++)
			if (dev->tunnels[i].name && !is_used(dev, &dev->tunnels[i]))
				release(dev, &dev->tunnels[i]);
		return 0;
	}
	if (!end || end->gone)
		return -ENOENT;
	if (is_used(dev, end))
		return -EBUSY;
	release(dev, end);
	return 0;
}

int ebpf_tunnel_stats(const struct ebpf_dev *dev, uint32_t id, struct hal_object_stats *out)
{
	const struct ebpf_end *end = find(dev, id);
	struct ebpf_traffic sum;
	uint32_t place;
	int err;

	if (!end || end->gone)
		return -ENOENT;
	place = (uint32_t)(end - dev->tunnels);
	err = ebpf_traffic_read(dev, dev->maps.tunnels, &place, &sum);
	out->packets = sum.rx_packets;
	out->bytes = sum.rx_bytes;
	out->tx_packets = sum.tx_packets;
	out->tx_bytes = sum.tx_bytes;
	return err;
}
