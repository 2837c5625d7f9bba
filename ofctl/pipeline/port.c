/* SPDX-License-Identifier: Apache-2.0
 *
 * Ports of a bridge: immutable objects, replaced when something of them changes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hal/base/rcu.h"
#include "offload/offload.h"
#include "ofctl/pipeline/bridge.h"
#include "ofctl/pipeline/clock.h"
#include "ofctl/pipeline/pipeline_priv.h"
#include "ofctl/pipeline/undo.h"
#include "ofctl/pipeline/tunnel.h"
#include "swpath/swpath.h"

static struct pl_port *find(const struct pl_bridge *br, uint32_t number)
{
	HMAP_FOR_EACH_HASH (p, struct pl_port, node, hash_mix(number), &br->ports)
		if (p->cfg.number == number)
			return p;
	return NULL;
}

const struct pl_port *bridge_port(const struct pl_bridge *br, uint32_t number)
{
	return find(br, number);
}

static struct pl_port *find_name(const struct pl_bridge *br, const char *name)
{
	HMAP_FOR_EACH (p, struct pl_port, node, &br->ports)
		if (!strcmp(p->cfg.name, name))
			return p;
	return NULL;
}

static uint32_t name_hash(const char *name)
{
	uint64_t aligned[8] = {0};

	memcpy(aligned, name, strnlen(name, sizeof(aligned)));
	return hash_bytes(aligned, sizeof(aligned), 0);
}

const struct pl_port *bridge_patch_peer(const struct pl_port *port)
{
	const char *name = port->cfg.patch_peer;

	if (!name[0])
		return NULL;
	HMAP_FOR_EACH_HASH (
		peer, struct pl_port, patch_node, name_hash(name), &port->br->pl->patches)
		if (!strcmp(peer->cfg.name, name) && !strcmp(peer->cfg.patch_peer, port->cfg.name))
			return peer;
	return NULL;
}

/* Lets the peer find a port, if it has one. */
static int publish_patch(struct pl_port *p)
{
	if (!p->cfg.patch_peer[0])
		return 0;
	return hmap_insert(&p->br->pl->patches, &p->patch_node, name_hash(p->cfg.name));
}

static void unpublish_patch(struct pl_port *p)
{
	if (p->cfg.patch_peer[0])
		hmap_remove(&p->br->pl->patches, &p->patch_node);
}

/* Says that a port is new, different or gone: to those that read it, and to those that read the
 * whole set. A patch port's peer may have been waiting for it. */
static void port_changed(struct pl_bridge *br, const struct pl_port *port)
{
	struct dep_key set = dep_key_bridge(br, DEP_PORT_SET);
	struct dep_key one = dep_key_port(br, port->cfg.number);
	struct pl_bridge *other;

	pipeline_changed_dep(br->pl, &one);
	pipeline_changed_dep(br->pl, &set);
	if (!port->cfg.patch_peer[0])
		return;
	LIST_FOREACH (other, &br->pl->bridges, link) {
		const struct pl_port *peer = find_name(other, port->cfg.patch_peer);

		if (peer) {
			one = dep_key_port(other, peer->cfg.number);
			pipeline_changed_dep(br->pl, &one);
		}
	}
}

static void emit_status(struct pl_bridge *br, enum of_port_reason why, const struct pl_port *p)
{
	if (br->pl->ops.port_status && p->announced && !br->closing)
		br->pl->ops.port_status(br->pl->ops.ctx, br, why, &p->desc);
}

static void publish_dp(struct pl_bridge *br, uint32_t dp_port, const struct pl_port *p)
{
	if (dp_port != HAL_PORT_NONE && dp_port <= HAL_PORT_MAX)
		atomic_store_explicit(&br->pl->dp_ports[dp_port], p, memory_order_release);
}

static void set_description(struct pl_port *p, const struct pl_port_config *cfg)
{
	p->cfg = *cfg;
	p->desc.number = cfg->number;
	memcpy(p->desc.mac, cfg->mac, 6);
	memcpy(p->desc.name, cfg->name, sizeof(p->desc.name));
}

int pl_port_reserve(struct pl_bridge *br, const struct pl_port_config *cfg)
{
	struct pl_port *p;
	int error;

	if (find(br, cfg->number) || find_name(br, cfg->name))
		return -EEXIST;
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->br = br;
	p->created_ms = clock_ms();
	set_description(p, cfg);
	if (cfg->dp_port == HAL_PORT_NONE) {
		p->patch = calloc(1, sizeof(*p->patch));
		if (!p->patch)
			goto free_port;
		p->up = true;
		p->desc.state = OF_PORT_STATE_LIVE;
	}
	pipeline_change_begin(br->pl);
	error = publish_patch(p);
	if (error)
		goto end_change;
	error = tunnel_publish(p);
	if (error)
		goto unpublish;
	error = hmap_insert(&br->ports, &p->node, hash_mix(cfg->number));
	if (error)
		goto unpublish_tunnel;
	publish_dp(br, cfg->dp_port, p);
	port_changed(br, p);
	pipeline_change_end(br->pl);
	return 0;

unpublish_tunnel:
	tunnel_unpublish(p);
unpublish:
	unpublish_patch(p);
end_change:
	pipeline_change_end(br->pl);
	/* A worker may have found it in between. */
	if (p->patch)
		rcu_defer(free, p->patch);
	rcu_defer(free, p);
	return error;
free_port:
	free(p);
	return -ENOMEM;
}

void pl_port_announce(struct pl_bridge *br, uint32_t number)
{
	struct pl_port *p = find(br, number);

	if (!p || p->announced)
		return;
	p->announced = true;
	emit_status(br, OF_PORT_ADD, p);
}

int pl_port_add(struct pl_bridge *br, const struct pl_port_config *cfg)
{
	int error = pl_port_reserve(br, cfg);

	if (!error)
		pl_port_announce(br, cfg->number);
	return error;
}

/* Puts a changed copy in the place of a port. `concerns` says that forwarding is affected. */
static void replace(struct pl_bridge *br, struct pl_port *old, struct pl_port *p, bool concerns)
{
	pipeline_change_begin(br->pl);
	unpublish_patch(old);
	if (publish_patch(p))
		p->cfg.patch_peer[0] = '\0'; /* without memory it has no peer */
	tunnel_unpublish(old);
	if (tunnel_publish(p)) /* nor does it receive, or is the host's */
		p->cfg.tunnel.on = p->cfg.internal = false;
	hmap_replace(&br->ports, &old->node, &p->node);
	if (old->cfg.dp_port != p->cfg.dp_port)
		publish_dp(br, old->cfg.dp_port, NULL);
	publish_dp(br, p->cfg.dp_port, p);
	if (concerns) {
		port_changed(br, old);
		port_changed(br, p);
	}
	pipeline_change_end(br->pl);
	rcu_defer(free, old);
}

static struct pl_port *copy_of(const struct pl_port *old)
{
	struct pl_port *p = malloc(sizeof(*p));

	if (p)
		*p = *old;
	return p;
}

static bool same_config(const struct pl_port_config *a, const struct pl_port_config *b)
{
	return a->number == b->number && a->dp_port == b->dp_port && a->vlan_mode == b->vlan_mode &&
	       a->tag == b->tag && a->on_device == b->on_device && a->device == b->device &&
	       a->internal == b->internal && pl_tunnel_equal(&a->tunnel, &b->tunnel) &&
	       !strcmp(a->name, b->name) && !strcmp(a->patch_peer, b->patch_peer) &&
	       !memcmp(a->trunks, b->trunks, sizeof(a->trunks)) &&
	       !memcmp(a->mac, b->mac, sizeof(a->mac));
}

int pl_port_change(struct pl_bridge *br, const struct pl_port_config *cfg)
{
	struct pl_port *old = find(br, cfg->number), *p;

	if (!old)
		return -ENOENT;
	if (same_config(&old->cfg, cfg))
		return 0;
	p = copy_of(old);
	if (!p)
		return -ENOMEM;
	if (p->cfg.internal && p->cfg.on_device && !cfg->on_device) {
		hal_port_stats_add(&p->kept, &p->told);
		memset(&p->told, 0, sizeof(p->told));
	}
	set_description(p, cfg);
	if (cfg->dp_port == HAL_PORT_NONE && !p->patch) {
		p->patch = calloc(1, sizeof(*p->patch));
		if (!p->patch) {
			free(p);
			return -ENOMEM;
		}
	} else if (cfg->dp_port != HAL_PORT_NONE && p->patch) {
		rcu_defer(free, p->patch);
		p->patch = NULL;
	}
	pipeline_change_begin(br->pl);
	replace(br, old, p, true);
	bridge_mac_flush_port(br, cfg->number);
	pipeline_change_end(br->pl);
	emit_status(br, OF_PORT_MODIFY, p);
	return 0;
}

int pl_port_remove(struct pl_bridge *br, uint32_t number)
{
	struct pl_port *p = find(br, number);

	if (!p)
		return -ENOENT;
	pipeline_change_begin(br->pl);
	unpublish_patch(p);
	tunnel_unpublish(p);
	hmap_remove(&br->ports, &p->node);
	publish_dp(br, p->cfg.dp_port, NULL);
	port_changed(br, p);
	bridge_mac_flush_port(br, number);
	pipeline_change_end(br->pl);
	emit_status(br, OF_PORT_DELETE, p);
	if (p->patch)
		rcu_defer(free, p->patch);
	rcu_defer(free, p);
	return 0;
}

uint32_t pl_port_free_number(struct pl_bridge *br, uint32_t wanted)
{
	if (wanted && wanted < OF_PORT_MAX && !find(br, wanted))
		return wanted;
	for (uint32_t n = 1; n < 0xff00; n++)
		if (!find(br, n))
			return n;
	return OF_PORT_ANY;
}

/* OFPPF_* (OpenFlow 1.3, 7.2.1) of a speed. */
static uint32_t features_of(uint64_t mbps)
{
	static const struct {
		uint64_t mbps;
		uint32_t bit;
	} speeds[] = {{10, 1u << 1}, {100, 1u << 3}, {1000, 1u << 5}, {10000, 1u << 6},
		{40000, 1u << 7}, {100000, 1u << 8}, {1000000, 1u << 9}};

	for (unsigned i = 0; i < sizeof(speeds) / sizeof(speeds[0]); i++)
		if (speeds[i].mbps == mbps)
			return speeds[i].bit | 1u << 11;
	return mbps ? 1u << 10 | 1u << 11 : 0;
}

/* Of what pl_port_set_status() sets. */
static bool same_status(const struct of_port_desc *a, const struct of_port_desc *b)
{
	return a->config == b->config && a->state == b->state && a->curr == b->curr &&
	       a->curr_kbps == b->curr_kbps && a->max_kbps == b->max_kbps &&
	       !memcmp(a->mac, b->mac, sizeof(a->mac));
}

void pl_port_set_status(struct pl_bridge *br, uint32_t number, bool admin_up, bool link_up,
	const uint8_t mac[6], uint64_t speed_mbps)
{
	struct dep_key live = dep_key_live(br, number);
	struct pl_port *old = find(br, number), *p;
	struct of_port_desc d;

	if (!old)
		return;
	d = old->desc;
	d.config =
		(d.config & ~(uint32_t)OF_PORT_CONFIG_DOWN) | (admin_up ? 0 : OF_PORT_CONFIG_DOWN);
	d.state = link_up ? OF_PORT_STATE_LIVE : OF_PORT_STATE_LINK_DOWN;
	memcpy(d.mac, mac, 6);
	d.curr = features_of(speed_mbps);
	d.curr_kbps = (uint32_t)(speed_mbps * 1000); /* the greatest is not known */
	if (same_status(&d, &old->desc))
		return;
	p = copy_of(old);
	if (!p)
		return;
	p->desc = d;
	p->up = admin_up && link_up;
	memcpy(p->cfg.mac, mac, 6);
	pipeline_change_begin(br->pl);
	if (p->up != old->up)
		pipeline_changed_dep(br->pl, &live);
	replace(br, old, p, false);
	pipeline_change_end(br->pl);
	emit_status(br, OF_PORT_MODIFY, p);
}

/* Puts a port with the configuration in the place of `old`. 0 or -ENOMEM. */
static int reconfigure(struct pl_bridge *br, struct pl_port *old, uint32_t config)
{
	struct pl_port *p = copy_of(old);

	if (!p)
		return -ENOMEM;
	p->desc.config = config;
	p->no_recv = config & OF_PORT_CONFIG_NO_RECV;
	p->no_fwd = config & OF_PORT_CONFIG_NO_FWD;
	p->no_packet_in = config & OF_PORT_CONFIG_NO_PACKET_IN;
	p->no_flood = config & OF_PORT_CONFIG_NO_FLOOD;
	replace(br, old, p, true);
	return 0;
}

void port_mod_told(struct pl_bridge *br, uint32_t number, uint32_t config)
{
	const struct pl_port *p = find(br, number);

	if ((config ^ p->desc.config) & OF_PORT_CONFIG_DOWN && p->cfg.dp_port != HAL_PORT_NONE)
		swpath_port_set_admin(
			br->pl->sp, p->cfg.dp_port, !(p->desc.config & OF_PORT_CONFIG_DOWN));
	emit_status(br, OF_PORT_MODIFY, p);
}

int port_restore(struct pl_bridge *br, uint32_t number, uint32_t config)
{
	return reconfigure(br, find(br, number), config);
}

int pl_port_mod(struct pl_bridge *br, const struct of_port_mod *pm)
{
	const uint32_t allowed = OF_PORT_CONFIG_DOWN | OF_PORT_CONFIG_NO_RECV |
				 OF_PORT_CONFIG_NO_FWD | OF_PORT_CONFIG_NO_PACKET_IN |
				 OF_PORT_CONFIG_NO_FLOOD;
	struct pl_port *old = find(br, pm->number);
	uint32_t mask = pm->mask & allowed, was;

	if (!old)
		return OFERR_PORT_MOD_BAD_PORT;
	if (memcmp(pm->mac, old->desc.mac, 6))
		return OFERR_PORT_MOD_BAD_HW_ADDR;
	was = old->desc.config;
	if ((was & mask) == (pm->config & mask))
		return OFERR_OK;
	if (undo_reserve(br->pl, 1) || reconfigure(br, old, (was & ~mask) | (pm->config & mask)))
		return OFERR_PORT_MOD_BAD_CONFIG;
	if (br->pl->undo)
		undo_port_changed(br->pl, pm->number, was);
	else
		port_mod_told(br, pm->number, was);
	return OFERR_OK;
}

void pl_port_list(
	struct pl_bridge *br, void (*cb)(void *ctx, const struct of_port_desc *p), void *ctx)
{
	HMAP_FOR_EACH (p, struct pl_port, node, &br->ports)
		cb(ctx, &p->desc);
}

bool pl_port_desc(struct pl_bridge *br, uint32_t number, struct of_port_desc *out)
{
	const struct pl_port *p = find(br, number);

	if (p)
		*out = p->desc;
	return p != NULL;
}

/* While its device does not answer a port's counters stand still: they never run backwards. */
static struct hal_port_stats device_stats(struct offload *ol, struct pl_port *p)
{
	struct hal_port_stats s;

	if (!offload_port_stats(ol, p->cfg.device, p->cfg.dp_port, &s))
		p->told = s;
	return p->told;
}

bool pl_port_stats(struct pl_bridge *br, uint32_t number, struct of_port_stats *out)
{
	struct pl_port *p = find(br, number);
	struct hal_port_stats s = {0};

	if (!p)
		return false;
	if (p->patch)
		s = (struct hal_port_stats){p->patch->rx_packets, p->patch->tx_packets,
			p->patch->rx_bytes, p->patch->tx_bytes, 0, 0, 0, 0};
	else if (p->cfg.on_device && !p->cfg.internal && br->pl->ol)
		s = device_stats(br->pl->ol, p);
	else if (br->pl->sp)
		swpath_port_stats(br->pl->sp, p->cfg.dp_port, &s);
	/* What a device moves between the host and other ports the software path never sees. It is
	 * kept when the port leaves the device. */
	if (p->cfg.internal && p->cfg.on_device && br->pl->ol)
		device_stats(br->pl->ol, p);
	if (p->cfg.internal) {
		hal_port_stats_add(&s, &p->kept);
		hal_port_stats_add(&s, &p->told);
	}
	*out = (struct of_port_stats){number, s.rx_packets, s.tx_packets, s.rx_bytes, s.tx_bytes,
		s.rx_dropped, s.tx_dropped, s.rx_errors, s.tx_errors,
		(clock_ms() - p->created_ms) * 1000000ull};
	return true;
}

struct hal_port_stats *pl_port_told(struct pl_bridge *br, uint32_t number)
{
	struct pl_port *p = find(br, number);

	return p ? &p->told : NULL;
}

uint32_t pl_port_by_name(struct pl_bridge *br, const char *name)
{
	const struct pl_port *p = find_name(br, name);

	return p ? p->cfg.number : OF_PORT_ANY;
}
