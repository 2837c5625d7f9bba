/* SPDX-License-Identifier: Apache-2.0
 *
 * What the options of a tunnel interface ask for.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hal/object.h"
#include "hal/tunnel.h"
#include "ofctl/bridge/bridge_priv.h"

#define VNI_MAX 0xffffffu

/* The first complaint stays. */
static void __attribute__((format(printf, 2, 3)))
complain(struct iface_want *w, const char *fmt, ...)
{
	va_list ap;

	if (w->error[0])
		return;
	va_start(ap, fmt);
	vsnprintf(w->error, sizeof(w->error), fmt, ap);
	va_end(ap);
}

static const char *option(const struct ovsdb_row *row, const char *name)
{
	return ovsdb_map_string(row, "options", name);
}

/* A number of the range, decimal or with 0x; anything else is complained about. */
static bool number(
	struct iface_want *w, const char *name, const char *text, uint64_t max, uint64_t *out)
{
	char *end;

	errno = 0;
	*out = strtoull(text, &end, 0);
	if (errno || end == text || *end || text[0] == '-' || *out > max) {
		complain(w, "options:%s=%.40s: expected a number up to %llu", name, text,
			(unsigned long long)max);
		return false;
	}
	return true;
}

static bool is_multicast(const struct host_address *a)
{
	return a->version == 4 ? (a->bytes[0] & 0xf0) == 0xe0 : a->bytes[0] == 0xff;
}

static bool is_unspecified(const struct host_address *a)
{
	static const uint8_t none[16];

	return !memcmp(a->bytes, none, sizeof(none));
}

static void address(
	struct iface_want *w, const char *name, const char *text, struct host_address *out)
{
	if (!host_address_parse(text, out))
		complain(w, "options:%s=%.60s: expected an IPv4 or IPv6 address, or flow", name,
			text);
	else if (is_multicast(out) || is_unspecified(out))
		complain(w, "options:%s=%.60s: expected the address of one host", name, text);
}

static void read_addresses(const struct ovsdb_row *row, const char *type, struct iface_want *w)
{
	const char *remote = option(row, "remote_ip"), *local = option(row, "local_ip");
	struct pl_tunnel *t = &w->tunnel;

	if (!remote) {
		complain(w, "a %s port needs options:remote_ip, an address or flow", type);
		return;
	}
	if (strcmp(remote, "flow"))
		address(w, "remote_ip", remote, &t->remote);
	t->local_flow = local && !strcmp(local, "flow");
	if (local && !t->local_flow)
		address(w, "local_ip", local, &t->local);
	if (t->local_flow && t->remote.version)
		complain(w, "options:local_ip=flow needs options:remote_ip=flow");
	if (t->local.version && t->remote.version && t->local.version != t->remote.version)
		complain(w,
			"options:local_ip=%.45s and options:remote_ip=%.45s are of different "
			"IP versions",
			local, remote);
}

static void read_key(const struct ovsdb_row *row, const char *name, struct iface_want *w,
	bool *flow, uint64_t *key)
{
	const char *text = option(row, name);

	if (!text) {
		name = "key";
		text = option(row, name);
	}
	*flow = text && !strcmp(text, "flow");
	if (text && !*flow)
		number(w, name, text, VNI_MAX, key);
}

/* "inherit", or a number. */
static void read_byte(const struct ovsdb_row *row, const char *name, struct iface_want *w,
	bool *inherit, uint8_t *value)
{
	const char *text = option(row, name);
	uint64_t v;

	if (!text)
		return;
	*inherit = !strcmp(text, "inherit");
	if (!*inherit && number(w, name, text, 255, &v))
		*value = (uint8_t)v;
}

/* A list of extensions, of which there is one. */
static void read_extensions(const struct ovsdb_row *row, struct iface_want *w)
{
	const char *text = option(row, "exts");

	if (!text || !*text)
		return;
	if (w->tunnel.type == HAL_TUNNEL_VXLAN && !strcmp(text, "gbp"))
		w->tunnel.gbp = true;
	else
		complain(w, "options:exts=%.40s: the only extension is gbp, of vxlan", text);
}

static void read_others(const struct ovsdb_row *row, struct iface_want *w)
{
	const char *port = option(row, "dst_port"), *mark = option(row, "egress_pkt_mark");
	const char *packet_type = option(row, "packet_type");
	struct pl_tunnel *t = &w->tunnel;
	uint64_t v;

	t->udp_dst = t->type == HAL_TUNNEL_GENEVE ? GENEVE_UDP_PORT : VXLAN_UDP_PORT;
	if (port && number(w, "dst_port", port, UINT16_MAX, &v)) {
		if (v)
			t->udp_dst = (uint16_t)v;
		else
			complain(w, "options:dst_port=0: expected a UDP port");
	}
	read_byte(row, "tos", w, &t->inherit_tos, &t->tos);
	if (t->tos & 0x03)
		complain(w, "options:tos=%u: the two ECN bits are not to be set", t->tos);
	read_byte(row, "ttl", w, &t->inherit_ttl, &t->ttl);
	t->csum = ovsdb_map_bool(row, "options", "csum", false);
	t->df = ovsdb_map_bool(row, "options", "df_default", true);
	t->has_mark = mark && number(w, "egress_pkt_mark", mark, UINT32_MAX, &v);
	if (t->has_mark)
		t->mark = (uint32_t)v;
	if (packet_type && strcmp(packet_type, "legacy_l2"))
		complain(w, "options:packet_type=%.20s: only legacy_l2 is available", packet_type);
}

bool tunnel_want_read(const struct ovsdb_row *row, const char *type, struct iface_want *w)
{
	struct pl_tunnel *t = &w->tunnel;

	if (!strcmp(type, "geneve"))
		t->type = HAL_TUNNEL_GENEVE;
	else if (!strcmp(type, "vxlan"))
		t->type = HAL_TUNNEL_VXLAN;
	else
		return false;
	w->kind = IFACE_TUNNEL;
	t->on = true;
	read_addresses(row, type, w);
	read_key(row, "in_key", w, &t->in_key_flow, &t->in_key);
	read_key(row, "out_key", w, &t->out_key_flow, &t->out_key);
	read_others(row, w);
	read_extensions(row, w);
	return true;
}
