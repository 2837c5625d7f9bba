/* SPDX-License-Identifier: Apache-2.0
 *
 * Tunnel interfaces: the ends that they share in the datapath, and where they lead.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hal/base/log.h"
#include "hal/object.h"
#include "ofctl/bridge/bridge_priv.h"
#include "offload/objects.h"

LOG_DEFINE(tunnel);

/* One for each type and UDP port, as long as an interface uses it. */
struct tunnel_end {
	LIST_ENTRY(tunnel_end) link; /* in bridges->tunnel_ends */
	struct hal_tunnel tunnel;    /* `port` is its datapath id */
	unsigned users;
};

static struct tunnel_end *find_end(struct bridges *b, uint8_t type, uint16_t udp_dst)
{
	struct tunnel_end *e;

	LIST_FOREACH (e, &b->tunnel_ends, link)
		if (e->tunnel.type == type && e->tunnel.udp_dst == udp_dst)
			return e;
	return NULL;
}

bool tunnel_end_has_id(struct bridges *b, uint32_t id)
{
	struct tunnel_end *e;

	LIST_FOREACH (e, &b->tunnel_ends, link)
		if (e->tunnel.port == id)
			return true;
	return false;
}

static struct tunnel_end *open_end(
	struct bridges *b, uint8_t type, uint16_t udp_dst, char *err, size_t n)
{
	struct tunnel_end *e = calloc(1, sizeof(*e)), *other;
	struct swpath_port_config pc = {.type = SWPATH_PORT_TUNNEL};
	char name[32];

	if (!e) {
		snprintf(err, n, "out of memory");
		return NULL;
	}
	LIST_FOREACH (other, &b->tunnel_ends, link)
		if (other->tunnel.udp_dst == udp_dst) {
			snprintf(err, n, "UDP port %u is used by tunnels of another type", udp_dst);
			goto free_end;
		}
	snprintf(name, sizeof(name), "%s_%u", type == HAL_TUNNEL_GENEVE ? "geneve" : "vxlan",
		udp_dst);
	pc.name = name;
	pc.id = iface_stable_dp_port(b, name);
	e->tunnel.type = type;
	e->tunnel.udp_dst = udp_dst;
	if (swpath_port_add(b->cfg.sp, &pc, &e->tunnel.port, err, n))
		goto free_end;
	if (b->cfg.ol && offload_tunnel_set(b->cfg.ol, e->tunnel.port, &e->tunnel))
		log_warn("%s: no memory to tell devices of it", name);
	LIST_INSERT_HEAD(&b->tunnel_ends, e, link);
	log_info("%s is open as datapath port %u", name, e->tunnel.port);
	return e;

free_end:
	free(e);
	return NULL;
}

static bool same_input(const struct pl_tunnel *a, const struct pl_tunnel *b)
{
	return a->type == b->type && a->udp_dst == b->udp_dst && a->in_key_flow == b->in_key_flow &&
	       a->in_key == b->in_key && host_address_equal(&a->remote, &b->remote) &&
	       host_address_equal(&a->local, &b->local);
}

/* An open interface that takes the same packets. */
static const struct iface *find_duplicate(struct bridges *b, const struct pl_tunnel *t)
{
	struct bridge *br;
	struct iface *i;

	LIST_FOREACH (br, &b->list, link)
		LIST_FOREACH (i, &br->ifaces, link)
			if (i->open && i->want.kind == IFACE_TUNNEL &&
				same_input(&i->want.tunnel, t))
				return i;
	return NULL;
}

int tunnel_open(struct iface *i)
{
	struct bridges *b = i->br->all;
	const struct pl_tunnel *t = &i->want.tunnel;
	const struct iface *other = find_duplicate(b, t);
	struct tunnel_end *e;

	if (other) {
		snprintf(i->error, sizeof(i->error),
			"%s: type, dst_port, remote_ip, local_ip and key are those of %s on "
			"bridge %s",
			i->want.name, other->want.name, other->br->name);
		return -EEXIST;
	}
	e = find_end(b, t->type, t->udp_dst);
	if (!e)
		e = open_end(b, t->type, t->udp_dst, i->error, sizeof(i->error));
	if (!e)
		return -ENOMEM;
	e->users++;
	i->cfg.tunnel = *t;
	i->cfg.tunnel.end = e->tunnel.port;
	return 0;
}

void tunnel_close(struct iface *i)
{
	struct bridges *b = i->br->all;
	struct tunnel_end *e = find_end(b, i->cfg.tunnel.type, i->cfg.tunnel.udp_dst);

	memset(&i->cfg.tunnel, 0, sizeof(i->cfg.tunnel));
	if (!e || --e->users)
		return;
	if (b->cfg.ol)
		offload_tunnel_del(b->cfg.ol, e->tunnel.port);
	swpath_port_remove(b->cfg.sp, e->tunnel.port, false);
	LIST_REMOVE(e, link);
	free(e);
}

bool tunnel_egress_changed(struct iface *i)
{
	const struct pl_tunnel *t = &i->want.tunnel;
	struct host_hop hop = {0};

	if (!i->open || i->want.kind != IFACE_TUNNEL)
		return false;
	if (!i->br->all->cfg.host || !t->remote.version ||
		!host_route_lookup(i->br->all->cfg.host, &t->remote, &hop))
		hop = (struct host_hop){0};
	if (!strcmp(i->egress, hop.netdev) && i->egress_up == hop.link_up)
		return false;
	memcpy(i->egress, hop.netdev, sizeof(i->egress));
	i->egress_up = hop.link_up;
	return true;
}

void tunnel_ends_list(struct bridges *b,
	void (*cb)(void *ctx, const struct hal_tunnel *t, const struct hal_port_stats *s),
	void *ctx)
{
	struct tunnel_end *e;

	LIST_FOREACH (e, &b->tunnel_ends, link) {
		struct hal_port_stats s = {0};

		swpath_port_stats(b->cfg.sp, e->tunnel.port, &s);
		cb(ctx, &e->tunnel, &s);
	}
}
