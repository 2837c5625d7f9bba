/* SPDX-License-Identifier: Apache-2.0
 *
 * Interfaces: opened on the datapath, given to the pipeline, and followed.
 */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hal/base/hmap.h"
#include "hal/base/log.h"
#include "ofctl/bridge/bridge_priv.h"

LOG_DEFINE(iface);

/* A datapath id that follows from the name, so that it is the same after a restart: matches, and
 * with them ufids, name ports by it, and devices keep rules over restarts. */
uint32_t iface_stable_dp_port(struct bridges *b, const char *name)
{
	uint32_t id = hash_bytes(name, strlen(name), 0) % HAL_PORT_MAX + 1;

	while (iface_by_dp_port(b, id) || tunnel_end_has_id(b, id))
		id = id % HAL_PORT_MAX + 1;
	return id;
}

struct iface *iface_by_dp_port(struct bridges *b, uint32_t dp_port)
{
	struct bridge *br;
	struct iface *i;

	LIST_FOREACH (br, &b->list, link)
		LIST_FOREACH (i, &br->ifaces, link)
			if (i->open && i->dp_port == dp_port)
				return i;
	return NULL;
}

static uint32_t netdev_mtu(const char *name)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq ifr = {0};
	uint32_t mtu = 0;

	if (fd < 0)
		return 0;
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	if (!ioctl(fd, SIOCGIFMTU, &ifr) && ifr.ifr_mtu > 0)
		mtu = (uint32_t)ifr.ifr_mtu;
	close(fd);
	return mtu;
}

static int bind_to(struct iface *i, int device)
{
	struct bridges *b = i->br->all;
	const bool internal = i->want.kind == IFACE_INTERNAL;
	struct hal_port_handle handle = {.kind = internal ? HAL_PORT_INTERNAL : HAL_PORT_NETDEV};
	struct hal_reason reason;
	char text[160];
	int error;

	handle.index = if_nametoindex(i->want.name);
	snprintf(handle.name, sizeof(handle.name), "%s", i->want.name);
	if (!handle.index) {
		snprintf(i->error, sizeof(i->error),
			"could not open network device %s (No such device)", i->want.name);
		return -ENODEV;
	}
	hal_reason_clear(&reason);
	error = offload_port_bind(b->cfg.ol, (unsigned)device, i->cfg.dp_port, &handle, &reason);
	i->bind_due = error == -ETIMEDOUT || (error && hal_reason_is_temporary(reason.code));
	if (error) {
		hal_reason_format(&reason, text, sizeof(text));
		snprintf(i->error, sizeof(i->error), "could not bind %s to %s (%s)", i->want.name,
			b->device_spec, text);
		return error;
	}
	i->device = device;
	i->ifindex = handle.index;
	i->cfg.on_device = true;
	i->cfg.device = (uint8_t)device;
	return 0;
}

static bool try_bind(struct iface *i, int device)
{
	if (device < 0)
		return false;
	if (!bind_to(i, device))
		return true;
	log_info("%s: stays in software: %s", i->want.name, i->error);
	i->error[0] = '\0';
	return false;
}

/* A port that names its device has to be on it; a kernel port that names none may be on one that
 * takes kernel ports. */
static int bind_device(struct iface *i)
{
	struct bridges *b = i->br->all;
	int device;

	if (i->want.kind == IFACE_NETDEV) {
		try_bind(i, device_for_kernel_ports(b));
		return 0;
	}
	if (i->want.kind != IFACE_DEVICE)
		return 0;
	device = device_find(b, i->want.device);
	if (device >= 0)
		return bind_to(i, device);
	snprintf(i->error, sizeof(i->error),
		"options:device=%s: no such device is open%s%s (set "
		"other_config:hw-offload=true and other_config:sluice-device)",
		i->want.device, b->device_error[0] ? ": " : "", b->device_error);
	return -ENODEV;
}

static void unbind_device(struct iface *i)
{
	if (i->device >= 0)
		offload_port_unbind(i->br->all->cfg.ol, (unsigned)i->device, i->cfg.dp_port,
			pl_port_told(i->br->pl, i->cfg.number));
	i->device = -1;
	i->cfg.on_device = false;
}

/* The software path reads and writes it as before: it is there first. */
void iface_bind_internal(struct iface *i)
{
	const int device = device_for_internal_ports(i->br->all);

	if (i->want.kind != IFACE_INTERNAL || i->want.off_device || !i->open || i->device >= 0)
		return;
	if (try_bind(i, device) && pl_port_change(i->br->pl, &i->cfg))
		unbind_device(i);
}

void iface_unbind_internal(struct iface *i)
{
	unbind_device(i);
	if (pl_port_change(i->br->pl, &i->cfg))
		log_warn("%s: out of memory", i->want.name);
}

/* How the software path gets the packets of a port on a device: through it, or, if the device moves
 * none, from the kernel. */
static int on_device(struct iface *i, struct swpath_port_config *pc)
{
	struct hal_device *dev = offload_device(i->br->all->cfg.ol, (unsigned)i->device);
	struct hal_port_handle miss;
	int error;

	if (!hal_device_caps(dev)->kernel_ports) {
		pc->type = SWPATH_PORT_DEVICE;
		pc->device = dev;
		pc->mtu = netdev_mtu(i->want.name);
		return 0;
	}
	pc->type = SWPATH_PORT_NETDEV;
	error = offload_port_miss(i->br->all->cfg.ol, (unsigned)i->device, i->cfg.dp_port, &miss);
	if (!error)
		pc->miss_ifindex = miss.index;
	return error == -ENOENT ? 0 : error;
}

static int open_datapath(struct iface *i)
{
	static const enum swpath_port_type types[] = {
		[IFACE_NETDEV] = SWPATH_PORT_NETDEV,
		[IFACE_SOFTWARE] = SWPATH_PORT_NETDEV,
		[IFACE_INTERNAL] = SWPATH_PORT_INTERNAL,
		[IFACE_DPDK] = SWPATH_PORT_DPDK,
		[IFACE_DEVICE] = SWPATH_PORT_DEVICE,
	};
	struct bridges *b = i->br->all;
	struct swpath_port_config pc = {
		.name = i->want.name,
		.type = types[i->want.kind],
		.devargs = i->want.devargs,
		.mac = i->cfg.mac,
		.mtu = i->want.mtu,
		.id = i->cfg.dp_port,
	};

	if (i->device >= 0) {
		int error = on_device(i, &pc);

		if (error)
			return error;
	}
	return swpath_port_add(b->cfg.sp, &pc, &i->dp_port, i->error, sizeof(i->error));
}

static void close_datapath(struct iface *i, bool delete_netdev)
{
	struct bridges *b = i->br->all;

	if (i->dp_port != HAL_PORT_NONE)
		swpath_port_remove(b->cfg.sp, i->dp_port, delete_netdev);
	unbind_device(i);
	i->dp_port = HAL_PORT_NONE;
}

/* Locally administered, and the same as long as the row lives. */
static void default_mac(const struct ovsdb_uuid *uuid, uint8_t mac[6])
{
	memcpy(mac, uuid->bytes, 6);
	mac[0] = (uint8_t)((mac[0] & 0xfc) | 2);
}

/* Another interface of the bridge has this number in the database, though it may not be open yet.
 */
static bool is_reserved(const struct iface *i, uint32_t number)
{
	const struct ovsdb_row *br = ovsdb_find_name(i->br->all->cfg.db, "Bridge", i->br->name);

	for (size_t p = 0; br && p < ovsdb_count(br, "ports"); p++) {
		const struct ovsdb_row *port = ovsdb_ref(br, "ports", p);

		for (size_t f = 0; port && f < ovsdb_count(port, "interfaces"); f++) {
			const struct ovsdb_row *row = ovsdb_ref(port, "interfaces", f);

			if (row && !ovsdb_uuid_equal(ovsdb_row_uuid(row), &i->uuid) &&
				(ovsdb_integer(row, "ofport", 0) == (int64_t)number ||
					ovsdb_integer(row, "ofport_request", 0) == (int64_t)number))
				return true;
		}
	}
	return false;
}

static uint32_t choose_number(struct iface *i, const struct ovsdb_row *row)
{
	int64_t wanted = ovsdb_integer(row, "ofport_request", 0);
	uint32_t number;

	if (!strcmp(i->want.name, i->br->name))
		return OF_PORT_LOCAL;
	if (wanted <= 0)
		wanted = ovsdb_integer(row, "ofport", 0);
	number = pl_port_free_number(i->br->pl, wanted > 0 ? (uint32_t)wanted : 0);
	if (wanted > 0 && number == (uint32_t)wanted)
		return number;
	for (number = 1; number < 0xff00; number++)
		if (pl_port_free_number(i->br->pl, number) == number && !is_reserved(i, number))
			return number;
	return OF_PORT_ANY;
}

/* Everything of the port but what only the open datapath port knows. */
static void configure(struct iface *i, const struct ovsdb_row *row)
{
	static const uint8_t none[6];
	const char *peer = ovsdb_map_string(row, "options", "peer");
	bool patch = i->want.kind == IFACE_PATCH, tunnel = i->want.kind == IFACE_TUNNEL;

	memcpy(i->cfg.mac, i->want.mac, 6);
	if (!memcmp(i->cfg.mac, none, 6))
		default_mac(&i->uuid, i->cfg.mac);
	snprintf(i->cfg.name, sizeof(i->cfg.name), "%s", i->want.name);
	snprintf(i->cfg.patch_peer, sizeof(i->cfg.patch_peer), "%s", patch && peer ? peer : "");
	i->cfg.dp_port =
		patch || tunnel ? HAL_PORT_NONE : iface_stable_dp_port(i->br->all, i->want.name);
	i->cfg.internal = i->want.kind == IFACE_INTERNAL;
	i->cfg.on_device = false;
	i->cfg.number = choose_number(i, row);
}

/* It is tried again every second: said once is enough. */
static void say_error(const struct iface *i, const char *before)
{
	if (strcmp(before, i->error))
		log_warn("%s: %s", i->want.name, i->error);
}

void iface_open(struct iface *i, const struct ovsdb_row *row)
{
	char before[sizeof(i->error)];
	int error;

	memcpy(before, i->error, sizeof(before));
	i->status_due = true;
	i->error[0] = '\0';
	if (i->want.error[0]) {
		snprintf(i->error, sizeof(i->error), "%s", i->want.error);
		return;
	}
	configure(i, row);
	if (i->want.kind == IFACE_TUNNEL && tunnel_open(i))
		return;
	if (bind_device(i)) {
		say_error(i, before);
		return;
	}
	error = pl_port_reserve(i->br->pl, &i->cfg);
	if (error) {
		unbind_device(i);
		if (i->want.kind == IFACE_TUNNEL)
			tunnel_close(i);
		snprintf(i->error, sizeof(i->error), "no OpenFlow port number for %s (%s)",
			i->want.name, strerror(-error));
		return;
	}
	if (i->cfg.dp_port != HAL_PORT_NONE && open_datapath(i)) {
		if (!i->error[0])
			snprintf(i->error, sizeof(i->error), "could not open %s", i->want.name);
		say_error(i, before);
		pl_port_remove(i->br->pl, i->cfg.number);
		unbind_device(i);
		return;
	}
	i->open = true;
	iface_bind_internal(i);
	pl_port_announce(i->br->pl, i->cfg.number);
	if (i->cfg.number == OF_PORT_LOCAL)
		log_info("%s: added interface %s as LOCAL", i->br->name, i->want.name);
	else
		log_info("%s: added interface %s as port %u", i->br->name, i->want.name,
			i->cfg.number);
	tunnel_egress_changed(i);
	iface_update_link(i);
}

void iface_close(struct iface *i, bool delete_netdev)
{
	i->bind_due = false;
	if (!i->open)
		return;
	pl_port_remove(i->br->pl, i->cfg.number);
	close_datapath(i, delete_netdev);
	if (i->want.kind == IFACE_TUNNEL)
		tunnel_close(i);
	i->open = false;
	i->status_due = true;
	log_info("%s: removed interface %s", i->br->name, i->want.name);
}

void iface_bind_again(struct iface *i)
{
	const int device = device_for_kernel_ports(i->br->all);

	i->bind_due = false;
	if (!i->open || device < 0)
		return;
	if (i->want.kind == IFACE_INTERNAL) {
		iface_bind_internal(i);
		return;
	}
	if (bind_to(i, device)) {
		i->error[0] = '\0';
		return;
	}
	unbind_device(i);
	iface_close(i, false);
}

/* What is below an open interface went away: it is closed with an error, and opened again by
 * retries once it is back. */
static void lost(struct iface *i)
{
	iface_close(i, false);
	snprintf(i->error, sizeof(i->error), "network device %s is gone", i->want.name);
	log_warn("%s", i->error);
	bridges_retry_soon(i->br->all);
}

void iface_update_link(struct iface *i)
{
	struct swpath_port_status st = {0};

	if (!i->open || i->dp_port == HAL_PORT_NONE)
		return;
	if (swpath_port_status(i->br->all->cfg.sp, i->dp_port, &st))
		st.exists = false;
	if (!st.exists) {
		lost(i);
		return;
	}
	/* Moved to another network namespace, where the device's rules do not reach it. */
	if (i->want.kind == IFACE_INTERNAL && i->device >= 0 &&
		if_nametoindex(i->want.name) != i->ifindex)
		iface_unbind_internal(i);
	pl_port_set_status(
		i->br->pl, i->cfg.number, st.admin_up, st.link_up, st.mac, st.speed_mbps);
	memcpy(i->cfg.mac, st.mac, 6);
	i->status_due = true;
	bridges_status_soon(i->br->all);
}

void bridges_port_changed(struct bridges *b, unsigned port)
{
	struct iface *i = iface_by_dp_port(b, port);

	if (i)
		iface_update_link(i);
}
