/* SPDX-License-Identifier: Apache-2.0
 *
 * Ports: netdevs, each with a clsact qdisc and a marker.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/rtnetlink.h>

#include "drivers/tc/tc.h"
#include "hal/base/log.h"

LOG_DEFINE(tc_ports);

struct tc_port *tc_port_by_id(const struct tc_dev *dev, uint32_t id)
{
	HMAP_FOR_EACH_HASH (port, struct tc_port, by_id, hash_mix(id), &dev->ports) {
		if (port->id == id)
			return port;
	}
	return NULL;
}

struct tc_port *tc_port_by_ifindex(const struct tc_dev *dev, uint32_t ifindex)
{
	HMAP_FOR_EACH_HASH (
		port, struct tc_port, by_ifindex, hash_mix(ifindex), &dev->ports_by_ifindex) {
		if (port->ifindex == ifindex)
			return port;
	}
	return NULL;
}

bool tc_port_by_kernel(const struct tc_dev *dev, const struct tc_port *port)
{
	return dev->policy != TC_POLICY_SKIP_SW || port->indirect;
}

static int insert(struct tc_dev *dev, struct tc_port *port)
{
	int err = hmap_insert(&dev->ports, &port->by_id, hash_mix(port->id));

	if (err)
		return err;
	err = hmap_insert(&dev->ports_by_ifindex, &port->by_ifindex, hash_mix(port->ifindex));
	if (err)
		hmap_remove(&dev->ports, &port->by_id);
	return err;
}

static void forget(struct tc_dev *dev, struct tc_port *port)
{
	hmap_remove(&dev->ports, &port->by_id);
	hmap_remove(&dev->ports_by_ifindex, &port->by_ifindex);
	netdev_miss_close(&port->miss);
	free(port);
}

/* ---- bind ---- */

static int check_handle(struct tc_dev *dev, uint32_t id, const struct hal_port_handle *handle,
	struct netdev_link *link, struct hal_reason *r)
{
	int err;

	if (handle->kind != HAL_PORT_NETDEV)
		return hal_refuse(r, HAL_REASON_DEVICE_ERROR, "TC has ports that are netdevs");
	if (tc_port_by_id(dev, id) || tc_port_by_ifindex(dev, handle->index)) {
		hal_refuse(r, HAL_REASON_DEVICE_ERROR, "%s or port %u is bound already",
			handle->name, id);
		return -EEXIST;
	}
	err = netdev_link_get(dev->ch, handle->index, link);
	if (err) {
		hal_refuse(r, HAL_REASON_DEVICE_ERROR, "network device %s: %s", handle->name,
			strerror(-err));
		return err;
	}
	if (dev->policy != TC_POLICY_SKIP_SW)
		return 0;
	if (!link->switch_id.len && link->is_bond)
		return tc_bond_switch(dev, link, &link->switch_id, r);
	if (!link->switch_id.len)
		return hal_refuse(r, HAL_REASON_UNSUPPORTED_COMBINATION,
			"%s is no port of a switch, and other_config:tc-policy is skip_sw",
			handle->name);
	return 0;
}

/* The netdev has to be nobody's, or ours of a former run. */
static int mark(struct tc_dev *dev, struct tc_port *port, struct hal_reason *r)
{
	struct tc_marker m;
	uint32_t miss = 0;
	int err = tc_marker_get(dev, port->ifindex, &m);

	if (err && err != -ENOENT)
		return hal_refuse(r, HAL_REASON_DEVICE_ERROR, "its filters cannot be read: %s",
			strerror(-err));
	if (!err && m.instance != dev->instance)
		return hal_refuse(r, HAL_REASON_DEVICE_ERROR,
			"%s carries the filters of another daemon", port->name);
	if (!err)
		port->qdisc_is_ours |= m.qdisc_is_ours;
	if (tc_port_by_kernel(dev, port)) {
		err = netdev_miss_open(dev->ch, port->ifindex, &port->miss, r);
		if (err)
			return err;
		miss = port->miss.ifindex;
	}
	m = (struct tc_marker){dev->instance, port->id, port->qdisc_is_ours};
	return tc_marker_set(dev, port->ifindex, &m, miss, r);
}

int tc_port_bind(void *ctx, uint32_t id, const struct hal_port_handle *handle, struct hal_reason *r)
{
	struct tc_dev *dev = ctx;
	struct tc_port *port;
	struct netdev_link link;
	int err = check_handle(dev, id, handle, &link, r);

	if (err)
		return err;
	port = calloc(1, sizeof(*port));
	if (!port)
		return hal_refuse(r, HAL_REASON_RETRY, "out of memory");
	port->id = id;
	port->ifindex = link.ifindex;
	port->switch_id = link.switch_id;
	port->indirect = link.is_bond;
	port->base = link.stats;
	port->miss.fd = -1;
	memcpy(port->name, link.name, sizeof(port->name));
	err = netdev_qdisc_make(dev->ch, port->ifindex, &port->qdisc_is_ours, r);
	if (err)
		goto free_port;
	err = mark(dev, port, r);
	if (err)
		goto close_miss;
	if (!insert(dev, port))
		return 0;
	err = hal_refuse(r, HAL_REASON_RETRY, "out of memory");
	tc_marker_drop(dev, port->ifindex);

close_miss: /* a marker that is there may be another daemon's */
	netdev_miss_close(&port->miss);
	if (port->qdisc_is_ours)
		netdev_qdisc_drop(dev->ch, port->ifindex);
free_port:
	free(port);
	return err;
}

/* ---- the marker ---- */

/* Somebody took it away, perhaps with the qdisc. */
static void mend(struct tc_dev *dev, struct tc_port *port)
{
	struct tc_marker m;
	struct hal_reason r;
	bool made = false;
	int err = tc_marker_get(dev, port->ifindex, &m);

	if (err != -ENOENT)
		return;
	err = netdev_qdisc_make(dev->ch, port->ifindex, &made, &r);
	if (err == -ENODEV)
		return;
	port->qdisc_is_ours |= made;
	m = (struct tc_marker){dev->instance, port->id, port->qdisc_is_ours};
	if (!err)
		err = tc_marker_set(dev, port->ifindex, &m, port->miss.ifindex, &r);
	if (err)
		log_warn("%s: what marks it as ours was taken away, and cannot be put back: %s",
			port->name, r.text);
	else
		log_warn("%s: what marks it as ours was taken away, and is back", port->name);
}

void tc_ports_mend(struct tc_dev *dev)
{
	HMAP_FOR_EACH (port, struct tc_port, by_id, &dev->ports)
		mend(dev, port);
}

/* ---- unbind ---- */

struct leftover {
	struct tc_place *place;
	unsigned n, cap;
};

static int take_leftover(void *ctx, unsigned i, struct nlmsghdr *h)
{
	struct leftover *l = ctx;
	struct tc_place *more;
	struct tc_filter f;

	(void)i;
	if (tc_filter_parse(h, &f) || !tc_place_is_ours(&f.place))
		return 0;
	if (l->n == l->cap) {
		more = realloc(l->place, (l->cap + 64) * sizeof(*more));
		if (!more)
			return 0;
		l->place = more;
		l->cap += 64;
	}
	l->place[l->n++] = f.place;
	return 0;
}

/* Rules that are still there when the port goes. */
static void remove_filters(struct tc_dev *dev, uint32_t ifindex)
{
	struct leftover l = {0};
	struct netdev_answer answers[NETDEV_BATCH];

	tc_filter_dump(dev, ifindex, take_leftover, &l);
	for (unsigned at = 0; at < l.n; at += NETDEV_BATCH) {
		struct nl_msg *msgs[NETDEV_BATCH];
		unsigned n = 0;

		for (unsigned i = at; i < l.n && n < NETDEV_BATCH; i++) {
			msgs[n] = tc_filter_request(RTM_DELTFILTER, 0, &l.place[i]);
			n += msgs[n] != NULL;
		}
		netdev_channel_run(dev->ch, msgs, n, answers, NULL, NULL);
		while (n)
			nlmsg_free(msgs[--n]);
	}
	free(l.place);
}

int tc_port_unbind(void *ctx, uint32_t id)
{
	struct tc_dev *dev = ctx;
	struct tc_port *port = tc_port_by_id(dev, id);

	if (!port)
		return -ENOENT;
	remove_filters(dev, port->ifindex);
	HMAP_FOR_EACH (rule, struct tc_rule, node, &dev->rules) {
		if (rule->place.ifindex == port->ifindex)
			tc_rule_drop(dev, rule);
	}
	tc_marker_drop(dev, port->ifindex);
	if (port->qdisc_is_ours)
		netdev_qdisc_drop(dev->ch, port->ifindex);
	forget(dev, port);
	return 0;
}

/* ---- what a former run left ---- */

struct marked {
	uint32_t *ifindex;
	unsigned n;
};

static int note_netdev(void *ctx, uint32_t ifindex)
{
	struct marked *m = ctx;
	uint32_t *more = realloc(m->ifindex, (m->n + 1) * sizeof(*more));

	if (!more)
		return -ENOMEM;
	m->ifindex = more;
	m->ifindex[m->n++] = ifindex;
	return 0;
}

void tc_ports_forget(struct tc_dev *dev)
{
	struct marked all = {0};

	netdev_qdisc_dump(dev->ch, note_netdev, &all);
	for (unsigned i = 0; i < all.n; i++) {
		struct tc_marker m;

		if (tc_marker_get(dev, all.ifindex[i], &m) || m.instance != dev->instance)
			continue;
		remove_filters(dev, all.ifindex[i]);
		tc_marker_drop(dev, all.ifindex[i]);
		if (m.qdisc_is_ours)
			netdev_qdisc_drop(dev->ch, all.ifindex[i]);
		log_info("netdev %u is no port any more: its filters are taken away",
			all.ifindex[i]);
	}
	free(all.ifindex);
}

void tc_ports_close(struct tc_dev *dev)
{
	HMAP_FOR_EACH (port, struct tc_port, by_id, &dev->ports)
		forget(dev, port);
	hmap_destroy(&dev->ports);
	hmap_destroy(&dev->ports_by_ifindex);
}

/* ---- questions ---- */

/* Members of a bond come and go. */
static void look_again(struct tc_dev *dev, struct tc_port *port, const struct netdev_link *link)
{
	struct netdev_switch_id now;

	if (!port->indirect || dev->policy != TC_POLICY_SKIP_SW || link->switch_id.len)
		return;
	if (tc_bond_switch(dev, link, &now, NULL) != -EAGAIN)
		port->switch_id = now;
}

int tc_port_stats(void *ctx, uint32_t id, struct hal_port_stats *out)
{
	struct tc_dev *dev = ctx;
	struct tc_port *port = tc_port_by_id(dev, id);
	struct netdev_link link;
	int err;

	if (!port)
		return -ENOENT;
	err = netdev_link_get(dev->ch, port->ifindex, &link);
	if (err)
		return err;
	look_again(dev, port, &link);
	*out = link.stats;
	netdev_stats_since(out, &port->base);
	return 0;
}

int tc_port_miss(void *ctx, uint32_t id, struct hal_port_handle *out)
{
	const struct tc_port *port = tc_port_by_id(ctx, id);

	if (!port || port->miss.fd < 0)
		return -ENOENT;
	*out = (struct hal_port_handle){.kind = HAL_PORT_NETDEV, .index = port->miss.ifindex};
	snprintf(out->name, sizeof(out->name), "%s", port->miss.name);
	return out->index ? 0 : -ENODEV;
}
