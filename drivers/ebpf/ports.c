/* SPDX-License-Identifier: Apache-2.0
 *
 * Ports: netdevs with a clsact qdisc, the program, and a netdev for what no rule takes. Those of
 * the host need none: what no rule takes goes on to who reads there.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "drivers/ebpf/ebpf.h"
#include "hal/base/log.h"
#include "hal/device.h"
#include "hal/mutation.h"

LOG_DEFINE(ebpf_ports);

#define SETTLED_MS 10000 /* after the last port was bound: those of a former run are all there */

static struct ebpf_bound *by_id(const struct ebpf_dev *dev, uint32_t id)
{
	HMAP_FOR_EACH_HASH (port, struct ebpf_bound, by_id, hash_mix(id), &dev->ports) {
		if (port->id == id)
			return port;
	}
	return NULL;
}

static struct ebpf_bound *by_key(const struct ebpf_dev *dev, uint32_t key)
{
	HMAP_FOR_EACH_HASH (port, struct ebpf_bound, by_key, hash_mix(key), &dev->ports_by_key) {
		if (port->key == key)
			return port;
	}
	return NULL;
}

static bool is_bound(const struct ebpf_dev *dev, uint32_t ifindex)
{
	return by_key(dev, ifindex) || by_key(dev, ifindex | EBPF_HOST);
}

uint32_t ebpf_port_key(const struct ebpf_dev *dev, uint32_t id)
{
	const struct ebpf_bound *port = by_id(dev, id);

	if (port)
		return port->key;
	for (unsigned i = 0; i < dev->n_former; i++)
		if (dev->former[i].id == id)
			return dev->former[i].key;
	return ebpf_tunnel_name(dev, id);
}

uint32_t ebpf_port_of(const struct ebpf_dev *dev, uint32_t key)
{
	const struct ebpf_bound *port = by_key(dev, key);

	if (port)
		return port->id;
	if (key & EBPF_TUNNEL)
		return ebpf_tunnel_port(dev, key);
	for (unsigned i = 0; i < dev->n_former; i++)
		if (dev->former[i].key == key)
			return dev->former[i].id;
	return HAL_PORT_NONE;
}

/* ---- of a former run ---- */

int ebpf_ports_found(struct ebpf_dev *dev)
{
	uint32_t key, *before = NULL;

	while (!bpf_map_get_next_key(dev->maps.ports, before, &key)) {
		struct ebpf_port port;
		struct ebpf_former *more;

		before = &key;
		if (bpf_map_lookup_elem(dev->maps.ports, &key, &port))
			continue;
		more = realloc(dev->former, (dev->n_former + 1) * sizeof(*more));
		if (!more)
			return -ENOMEM;
		dev->former = more;
		dev->former[dev->n_former++] = (struct ebpf_former){port.id, key};
	}
	return 0;
}

static bool uses(const struct ebpf_dev *dev, const struct ebpf_rule *rule, uint32_t key)
{
	struct ebpf_code code;
	struct hal_match m;

	hal_cmatch_expand(rule->match, &m);
	if (m.mask.dp.in_port && ebpf_port_key(dev, rte_be_to_cpu_32(m.value.dp.in_port)) == key)
		return true;
	if (!ebpf_slot_read(dev, rule->slot, &code))
		return true;
	for (unsigned i = 0; i < code.n; i++)
		if (code.step[i].op == EBPF_OUTPUT && code.step[i].arg == key)
			return true;
	return false;
}

/* Takes rules out that the port is named in, or that it alone was named in the match of. */
static void remove_rules(struct ebpf_dev *dev, uint32_t port, bool output)
{
	struct ebpf_rule **gone = NULL;
	unsigned n = 0;

	if (hmap_count(&dev->rules))
		gone = calloc(hmap_count(&dev->rules), sizeof(*gone));
	if (!gone)
		return;
	HMAP_FOR_EACH (rule, struct ebpf_rule, node, &dev->rules) {
		struct ebpf_key20 key;
		struct hal_match m;
		unsigned class;

		hal_cmatch_expand(rule->match, &m);
		if (output ? !uses(dev, rule, port)
			   : !m.mask.dp.in_port ||
					ebpf_port_key(dev, rte_be_to_cpu_32(m.value.dp.in_port)) !=
						port)
			continue;
		ebpf_rule_key(dev, rule, &key, &class);
		if (class < EBPF_CLASSES)
			bpf_map_delete_elem(dev->maps.rules[class], &key);
		gone[n++] = rule;
	}
	if (n)
		ebpf_grace(dev);
	while (n)
		ebpf_rule_drop(dev, gone[--n]);
	free(gone);
}

static void forget_former(struct ebpf_dev *dev, unsigned i)
{
	dev->former[i] = dev->former[--dev->n_former];
}

/* Ports of a former run that are in the way: the same netdev under another id, or the id on another
 * netdev. Their rules say something else now. */
static void settle_former(struct ebpf_dev *dev, uint32_t id, uint32_t key)
{
	for (unsigned i = 0; i < dev->n_former;) {
		const struct ebpf_former f = dev->former[i];

		if (f.id != id && f.key != key) {
			i++;
			continue;
		}
		if (f.id != id || f.key != key) {
			remove_rules(dev, f.key, true);
			bpf_map_delete_elem(dev->maps.ports, &f.key);
		}
		forget_former(dev, i);
	}
}

/* ---- bind ---- */

static int check_handle(struct ebpf_dev *dev, uint32_t id, const struct hal_port_handle *handle,
	struct netdev_link *link, struct hal_reason *r)
{
	int err;

	if (handle->kind != HAL_PORT_NETDEV && handle->kind != HAL_PORT_INTERNAL)
		return hal_refuse(
			r, HAL_REASON_DEVICE_ERROR, "the kernel has ports that are netdevs");
	if (by_id(dev, id) || is_bound(dev, handle->index)) {
		hal_refuse(r, HAL_REASON_DEVICE_ERROR, "%s or port %u is bound already",
			handle->name, id);
		return -EEXIST;
	}
	err = netdev_link_get(dev->ch, handle->index, link);
	if (err)
		hal_refuse(r, HAL_REASON_DEVICE_ERROR, "network device %s: %s", handle->name,
			strerror(-err));
	if (!err && link->is_loopback) /* what no rule takes would not reach the host any more */
		err = hal_refuse(
			r, HAL_REASON_DEVICE_ERROR, "%s is the host's loopback", link->name);
	return err;
}

static int insert(struct ebpf_dev *dev, struct ebpf_bound *port)
{
	int err = hmap_insert(&dev->ports, &port->by_id, hash_mix(port->id));

	if (err)
		return err;
	err = hmap_insert(&dev->ports_by_key, &port->by_key, hash_mix(port->key));
	if (err)
		hmap_remove(&dev->ports, &port->by_id);
	return err;
}

static int write_port(struct ebpf_dev *dev, const struct ebpf_bound *port, struct hal_reason *r)
{
	const struct ebpf_port value = {.id = port->id, .miss = MUTATE(651, port->miss.ifindex, 0)};

	if (!bpf_map_update_elem(dev->maps.ports, &port->key, &value, BPF_ANY))
		return 0;
	return hal_refuse(r, HAL_REASON_NO_ROOM, "%u ports are bound: %s", hmap_count(&dev->ports),
		strerror(errno));
}

static int count_host(struct ebpf_dev *dev, const struct ebpf_bound *port, struct hal_reason *r)
{
	int err = ebpf_traffic_clear(dev, dev->maps.hosts, &port->key);

	if (!err)
		return 0;
	return hal_refuse(r, HAL_REASON_NO_ROOM, "no room for its counters: %s", strerror(-err));
}

/* The netdev has to be nobody's, or ours of a former run. */
static int attach(struct ebpf_dev *dev, struct ebpf_bound *port, struct hal_reason *r)
{
	struct ebpf_filter f;
	int err = ebpf_filter_find(dev, port->ifindex, port->is_host, &f);

	if (err)
		return hal_refuse(r, HAL_REASON_DEVICE_ERROR, "its filters cannot be read: %s",
			strerror(-err));
	if (f.is_anothers)
		return hal_refuse(r, HAL_REASON_DEVICE_ERROR,
			"%s carries the program of another daemon", port->name);
	port->qdisc_is_ours |= f.qdisc_is_ours;
	err = port->is_host ? count_host(dev, port, r)
			    : netdev_miss_open(dev->ch, port->ifindex, &port->miss, r);
	if (err)
		return err;
	err = write_port(dev, port, r);
	if (!err)
		err = ebpf_filter_attach(dev, port->ifindex, port->is_host, port->qdisc_is_ours, r);
	if (err)
		bpf_map_delete_elem(dev->maps.ports, &port->key);
	return err;
}

int ebpf_port_bind(
	void *ctx, uint32_t id, const struct hal_port_handle *handle, struct hal_reason *r)
{
	struct ebpf_dev *dev = ctx;
	struct ebpf_bound *port;
	struct netdev_link link;
	int err = check_handle(dev, id, handle, &link, r);

	if (err)
		return err;
	port = calloc(1, sizeof(*port));
	if (!port)
		return hal_refuse(r, HAL_REASON_RETRY, "out of memory");
	port->id = id;
	port->ifindex = port->key = link.ifindex;
	port->is_host = handle->kind == HAL_PORT_INTERNAL;
	if (port->is_host)
		port->key |= EBPF_HOST;
	port->base = link.stats;
	port->miss.fd = -1;
	memcpy(port->name, link.name, sizeof(port->name));
	dev->bound_ms = hal_now_ms();
	settle_former(dev, id, port->key);
	err = netdev_qdisc_make(dev->ch, port->ifindex, &port->qdisc_is_ours, r);
	if (err)
		goto free_port;
	err = attach(dev, port, r);
	if (err)
		goto close_miss;
	if (!insert(dev, port))
		return 0;
	err = hal_refuse(r, HAL_REASON_RETRY, "out of memory");
	ebpf_filter_detach(dev, port->ifindex, port->is_host);
	bpf_map_delete_elem(dev->maps.ports, &port->key);

close_miss:
	netdev_miss_close(&port->miss);
	bpf_map_delete_elem(dev->maps.hosts, &port->key);
	if (port->qdisc_is_ours)
		netdev_qdisc_drop(dev->ch, port->ifindex);
free_port:
	free(port);
	return err;
}

/* What the map says of a port. */
static void mend_entry(struct ebpf_dev *dev, const struct ebpf_bound *port)
{
	struct ebpf_traffic counts;
	struct ebpf_port now;
	struct hal_reason r;

	if (port->is_host && ebpf_traffic_read(dev, dev->maps.hosts, &port->key, &counts))
		count_host(dev, port, &r);
	if (!bpf_map_lookup_elem(dev->maps.ports, &port->key, &now) && now.id == port->id &&
		now.miss == port->miss.ifindex)
		return;
	if (write_port(dev, port, &r))
		log_warn("%s: its entry in the map of ports was altered, and stays so: %s",
			port->name, r.text);
	else
		log_warn("%s: its entry in the map of ports was altered, and is put right",
			port->name);
}

/* Somebody took the program away, perhaps with the qdisc, or put another in its place. */
static void mend_program(struct ebpf_dev *dev, struct ebpf_bound *port)
{
	struct ebpf_filter f;
	struct hal_reason r;
	bool made = false;
	int err = ebpf_filter_find(dev, port->ifindex, port->is_host, &f);

	if (!err && f.found && f.program == dev->program_id[port->is_host])
		return;
	err = netdev_qdisc_make(dev->ch, port->ifindex, &made, &r);
	if (err == -ENODEV)
		return;
	port->qdisc_is_ours |= made;
	if (!err)
		err = ebpf_filter_attach(
			dev, port->ifindex, port->is_host, port->qdisc_is_ours, &r);
	if (err)
		log_warn("%s: the program was taken away, and cannot be put back: %s", port->name,
			r.text);
	else
		log_warn("%s: the program was taken away, and is back", port->name);
}

void ebpf_ports_mend(struct ebpf_dev *dev)
{
	HMAP_FOR_EACH (port, struct ebpf_bound, by_id, &dev->ports) {
		mend_entry(dev, port);
		mend_program(dev, port);
	}
}

/* ---- what a former run left, and nobody wants ---- */

struct strays {
	struct ebpf_dev *dev;
	uint32_t *ifindex;
	unsigned n;
};

static int note_stray(void *ctx, uint32_t ifindex)
{
	struct strays *s = ctx;
	uint32_t *more;

	if (is_bound(s->dev, ifindex))
		return 0;
	more = realloc(s->ifindex, (s->n + 1) * sizeof(*more));
	if (!more)
		return -ENOMEM;
	s->ifindex = more;
	s->ifindex[s->n++] = ifindex;
	return 0;
}

static void take_away(struct ebpf_dev *dev, uint32_t ifindex)
{
	bool found = false, qdisc_is_ours = false;

	for (unsigned host = 0; host < 2; host++) {
		struct ebpf_filter f;

		if (ebpf_filter_find(dev, ifindex, host, &f) || !f.found)
			continue;
		ebpf_filter_detach(dev, ifindex, host);
		found = true;
		qdisc_is_ours |= f.qdisc_is_ours;
	}
	if (!found)
		return;
	if (qdisc_is_ours)
		netdev_qdisc_drop(dev->ch, ifindex);
	log_info("netdev %u is no port any more: its program is taken away", ifindex);
}

void ebpf_ports_forget(struct ebpf_dev *dev)
{
	struct strays s = {.dev = dev};

	netdev_qdisc_dump(dev->ch, note_stray, &s);
	for (unsigned i = 0; i < s.n; i++)
		take_away(dev, s.ifindex[i]);
	free(s.ifindex);
}

void ebpf_ports_settle(struct ebpf_dev *dev)
{
	struct strays s = {.dev = dev};

	if (dev->settled || hal_now_ms() - dev->bound_ms < SETTLED_MS)
		return;
	dev->settled = !netdev_qdisc_dump(dev->ch, note_stray, &s);
	for (unsigned i = 0; i < s.n; i++)
		take_away(dev, s.ifindex[i]);
	free(s.ifindex);
	while (dev->n_former) {
		remove_rules(dev, dev->former[0].key, true);
		bpf_map_delete_elem(dev->maps.ports, &dev->former[0].key);
		forget_former(dev, 0);
	}
}

/* ---- unbind ---- */

static void forget(struct ebpf_dev *dev, struct ebpf_bound *port)
{
	if (port->is_host)
		bpf_map_delete_elem(dev->maps.hosts, &port->key);
	hmap_remove(&dev->ports, &port->by_id);
	hmap_remove(&dev->ports_by_key, &port->by_key);
	netdev_miss_close(&port->miss);
	free(port);
}

int ebpf_port_unbind(void *ctx, uint32_t id)
{
	struct ebpf_dev *dev = ctx;
	struct ebpf_bound *port = by_id(dev, id);

	if (!port)
		return -ENOENT;
	ebpf_filter_detach(dev, port->ifindex, port->is_host);
	remove_rules(dev, port->key, false);
	bpf_map_delete_elem(dev->maps.ports, &port->key);
	if (port->qdisc_is_ours)
		netdev_qdisc_drop(dev->ch, port->ifindex);
	forget(dev, port);
	return 0;
}

void ebpf_ports_close(struct ebpf_dev *dev)
{
	HMAP_FOR_EACH (port, struct ebpf_bound, by_id, &dev->ports)
		forget(dev, port);
	hmap_destroy(&dev->ports);
	hmap_destroy(&dev->ports_by_key);
	free(dev->former);
}

/* ---- questions ---- */

static int host_stats(
	const struct ebpf_dev *dev, const struct ebpf_bound *port, struct hal_port_stats *out)
{
	struct ebpf_traffic sum;
	int err = ebpf_traffic_read(dev, dev->maps.hosts, &port->key, &sum);

	*out = (struct hal_port_stats){.rx_packets = sum.rx_packets,
		.rx_bytes = sum.rx_bytes,
		.tx_packets = sum.tx_packets,
		.tx_bytes = sum.tx_bytes};
	return err;
}

int ebpf_port_stats(void *ctx, uint32_t id, struct hal_port_stats *out)
{
	struct ebpf_dev *dev = ctx;
	const struct ebpf_bound *port = by_id(dev, id);
	struct netdev_link link;
	int err;

	if (!port)
		return -ENOENT;
	if (port->is_host)
		return host_stats(dev, port, out);
	err = netdev_link_get(dev->ch, port->ifindex, &link);
	if (err)
		return err;
	*out = link.stats;
	netdev_stats_since(out, &port->base);
	return 0;
}

int ebpf_port_miss(void *ctx, uint32_t id, struct hal_port_handle *out)
{
	const struct ebpf_bound *port = by_id(ctx, id);

	if (!port || port->miss.fd < 0)
		return -ENOENT;
	*out = (struct hal_port_handle){.kind = HAL_PORT_NETDEV, .index = port->miss.ifindex};
	snprintf(out->name, sizeof(out->name), "%s", port->miss.name);
	return 0;
}
