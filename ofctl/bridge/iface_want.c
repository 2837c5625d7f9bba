/* SPDX-License-Identifier: Apache-2.0
 *
 * What rows of Interface and Port ask for.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ofctl/bridge/bridge_priv.h"

static bool parse_mac(const char *text, uint8_t mac[6])
{
	unsigned m[6];
	char end;

	if (!text || sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%c", &m[0], &m[1], &m[2], &m[3], &m[4],
			     &m[5], &end) != 6)
		return false;
	for (int i = 0; i < 6; i++)
		mac[i] = (uint8_t)m[i];
	return true;
}

static void want_error(struct iface_want *w, const char *text)
{
	snprintf(w->error, sizeof(w->error), "%s", text);
}

static void read_type(
	const char *bridge, const struct ovsdb_row *iface, bool offload, struct iface_want *w)
{
	const char *type = ovsdb_string(iface, "type");
	const char *device = ovsdb_map_string(iface, "options", "device");
	const char *devargs = ovsdb_map_string(iface, "options", "dpdk-devargs");

	if (!type)
		type = "";
	if (!strcmp(w->name, bridge) || !strcmp(type, "internal")) {
		w->kind = IFACE_INTERNAL;
		w->off_device = device && !strcmp(device, "none");
	} else if (!strcmp(type, "patch")) {
		w->kind = IFACE_PATCH;
		if (!ovsdb_map_string(iface, "options", "peer"))
			want_error(w, "a patch port needs options:peer, the name of the other end");
	} else if (!strcmp(type, "dpdk")) {
		w->kind = IFACE_DPDK;
		if (devargs)
			snprintf(w->devargs, sizeof(w->devargs), "%s", devargs);
		else
			want_error(w, "a dpdk port needs options:dpdk-devargs, the device to open");
	} else if (!*type || !strcmp(type, "system")) {
		/* Without hw-offload the port is what it would be without a device. */
		w->kind = device && offload ? IFACE_DEVICE : IFACE_NETDEV;
		if (device && !strcmp(device, "none"))
			w->kind = IFACE_SOFTWARE;
		if (w->kind == IFACE_DEVICE)
			snprintf(w->device, sizeof(w->device), "%s", device);
	} else if (!tunnel_want_read(iface, type, w)) {
		snprintf(w->error, sizeof(w->error),
			"unknown interface type \"%.40s\"; known are system, internal, dpdk, "
			"patch, vxlan and geneve",
			type);
	}
}

void iface_want_read(const char *bridge, const struct ovsdb_row *port,
	const struct ovsdb_row *iface, bool offload, struct iface_want *want)
{
	const char *hwaddr = ovsdb_string(iface, "mac");
	int64_t mtu = ovsdb_integer(iface, "mtu_request", 0);

	memset(want, 0, sizeof(*want));
	snprintf(want->name, sizeof(want->name), "%s", ovsdb_string(iface, "name"));
	read_type(bridge, iface, offload, want);
	if (ovsdb_count(port, "interfaces") > 1)
		want_error(want, "a port of several interfaces (a bond) is not available");
	if (hwaddr && !parse_mac(hwaddr, want->mac))
		want_error(want, "column mac: expected an address like 02:00:00:00:00:01");
	if (mtu > 0)
		want->mtu = (uint32_t)mtu;
}

bool iface_want_equal(const struct iface_want *a, const struct iface_want *b)
{
	return a->kind == b->kind && a->off_device == b->off_device && a->mtu == b->mtu &&
	       !memcmp(a->mac, b->mac, sizeof(a->mac)) && !strcmp(a->name, b->name) &&
	       !strcmp(a->devargs, b->devargs) && !strcmp(a->device, b->device) &&
	       !strcmp(a->error, b->error) && pl_tunnel_equal(&a->tunnel, &b->tunnel);
}

static void read_trunks(const struct ovsdb_row *port, struct pl_port_config *cfg)
{
	for (size_t i = 0; i < ovsdb_count(port, "trunks"); i++) {
		int64_t vlan = ovsdb_integer_at(port, "trunks", i);

		if (vlan >= 0 && vlan < 4096)
			cfg->trunks[vlan / 64] |= 1ull << (vlan % 64);
	}
}

void iface_vlan_read(const struct ovsdb_row *port, struct pl_port_config *cfg)
{
	const char *mode = ovsdb_string(port, "vlan_mode");

	memset(cfg->trunks, 0, sizeof(cfg->trunks));
	cfg->tag = (uint16_t)ovsdb_integer(port, "tag", 0);
	if (mode && !strcmp(mode, "native-tagged"))
		cfg->vlan_mode = PL_VLAN_NATIVE_TAGGED;
	else if (mode && !strcmp(mode, "native-untagged"))
		cfg->vlan_mode = PL_VLAN_NATIVE_UNTAGGED;
	else if (mode ? !strcmp(mode, "access") : ovsdb_count(port, "tag") > 0)
		cfg->vlan_mode = PL_VLAN_ACCESS;
	else
		cfg->vlan_mode = PL_VLAN_TRUNK;
	if (cfg->vlan_mode != PL_VLAN_ACCESS)
		read_trunks(port, cfg);
}
