/* SPDX-License-Identifier: Apache-2.0
 *
 * What is written back to the database.
 */
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "ofctl/bridge/bridge_priv.h"
#include "ofctl/bridge/version.h"

static void mac_text(const uint8_t mac[6], char text[18])
{
	snprintf(text, 18, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4],
		mac[5]);
}

static void write_link(struct ovsdb_edit *e, const struct swpath_port_status *st)
{
	struct ovsdb_pair status[] = {{"driver_name", st->driver ? st->driver : "unknown"}};
	char mac[18];

	mac_text(st->mac, mac);
	ovsdb_set_string(e, "mac_in_use", mac);
	ovsdb_set_string(e, "admin_state", st->admin_up ? "up" : "down");
	ovsdb_set_string(e, "link_state", st->link_up ? "up" : "down");
	if (st->mtu)
		ovsdb_set_integer(e, "mtu", st->mtu);
	ovsdb_set_integer(e, "ifindex", st->ifindex);
	if (st->speed_mbps) {
		ovsdb_set_integer(e, "link_speed", (int64_t)st->speed_mbps * 1000000);
		ovsdb_set_string(e, "duplex", st->full_duplex ? "full" : "half");
	}
	ovsdb_set_map(e, "status", status, 1);
}

static int64_t of_port_16(uint32_t number)
{
	return number == OF_PORT_LOCAL ? 0xfffe : (int64_t)number;
}

/* Where a tunnel's packets leave now. */
static void write_egress(const struct iface *i, struct ovsdb_edit *e)
{
	struct ovsdb_pair status[] = {{"tunnel_egress_iface", i->egress},
		{"tunnel_egress_iface_carrier", i->egress_up ? "up" : "down"}};

	ovsdb_set_map(e, "status", status, i->egress[0] ? 2 : 0);
}

static void write_iface(struct iface *i, struct ovsdb_txn *txn)
{
	struct ovsdb_edit *e = ovsdb_edit_uuid(txn, "Interface", &i->uuid);
	struct swpath_port_status st;

	i->status_due = false;
	if (!i->open) {
		ovsdb_set_integer(e, "ofport", -1);
		ovsdb_set_string(e, "error", i->error[0] ? i->error : "not open");
		ovsdb_clear(e, "mac_in_use");
		ovsdb_clear(e, "admin_state");
		ovsdb_clear(e, "link_state");
		return;
	}
	ovsdb_set_integer(e, "ofport", of_port_16(i->cfg.number));
	ovsdb_set_string(e, "error", NULL);
	if (i->dp_port == HAL_PORT_NONE) {
		ovsdb_set_string(e, "admin_state", "up");
		ovsdb_set_string(e, "link_state", "up");
		if (i->want.kind == IFACE_TUNNEL)
			write_egress(i, e);
	} else if (!swpath_port_status(i->br->all->cfg.sp, i->dp_port, &st)) {
		write_link(e, &st);
	}
}

static void write_statistics(struct iface *i, struct ovsdb_txn *txn)
{
	struct of_port_stats s;

	if (!i->open || !pl_port_stats(i->br->pl, i->cfg.number, &s))
		return;
	struct ovsdb_count counts[] = {
		{"rx_packets", (int64_t)s.rx_packets},
		{"tx_packets", (int64_t)s.tx_packets},
		{"rx_bytes", (int64_t)s.rx_bytes},
		{"tx_bytes", (int64_t)s.tx_bytes},
		{"rx_dropped", (int64_t)s.rx_dropped},
		{"tx_dropped", (int64_t)s.tx_dropped},
		{"rx_errors", (int64_t)s.rx_errors},
		{"tx_errors", (int64_t)s.tx_errors},
	};
	ovsdb_set_counts(ovsdb_edit_uuid(txn, "Interface", &i->uuid), "statistics", counts,
		sizeof(counts) / sizeof(counts[0]));
}

static void write_bridge(struct bridge *br, struct ovsdb_txn *txn, bool statistics)
{
	struct ovsdb_edit *e = ovsdb_edit_uuid(txn, "Bridge", &br->uuid);
	char dpid[17];
	struct iface *i;

	snprintf(dpid, sizeof(dpid), "%016llx", (unsigned long long)pl_bridge_dpid(br->pl));
	ovsdb_set_string(e, "datapath_id", dpid);
	ovsdb_set_string(e, "datapath_version", SLUICE_VERSION);
	controllers_write_status(br, txn);
	LIST_FOREACH (i, &br->ifaces, link) {
		if (i->status_due || (statistics && tunnel_egress_changed(i)))
			write_iface(i, txn);
		if (statistics)
			write_statistics(i, txn);
	}
}

static void write_root(const struct ovsdb_row *root, struct ovsdb_edit *e)
{
	static const char *const iface_types[] = {
		"dpdk", "geneve", "internal", "patch", "system", "vxlan"};
	static const char *const datapath_types[] = {"netdev", "system"};
	struct utsname u;

	ovsdb_set_string(e, "ovs_version", SLUICE_OVS_VERSION);
	ovsdb_set_string(e, "db_version", SLUICE_DB_VERSION);
	ovsdb_set_string(e, "dpdk_version", SLUICE_DPDK_VERSION);
	ovsdb_set_bool(e, "dpdk_initialized", true);
	ovsdb_set_strings(
		e, "iface_types", iface_types, sizeof(iface_types) / sizeof(iface_types[0]));
	ovsdb_set_strings(e, "datapath_types", datapath_types, 2);
	if (!ovsdb_string(root, "system_type") && !uname(&u)) {
		ovsdb_set_string(e, "system_type", u.sysname);
		ovsdb_set_string(e, "system_version", u.release);
	}
}

void status_write(struct bridges *b, bool statistics, bool applied)
{
	const struct ovsdb_row *root = ovsdb_first(b->cfg.db, "Open_vSwitch");
	struct ovsdb_txn *txn = ovsdb_txn_new(b->cfg.db);
	struct ovsdb_edit *e;
	struct bridge *br;

	if (!root || !txn)
		goto abort;
	e = ovsdb_edit(txn, root);
	write_root(root, e);
	datapath_write_capabilities(root, txn);
	if (applied)
		ovsdb_set_integer(e, "cur_cfg", ovsdb_integer(root, "next_cfg", 0));
	LIST_FOREACH (br, &b->list, link)
		write_bridge(br, txn, statistics);
	ovsdb_txn_commit(txn);
	return;

abort:
	if (txn)
		ovsdb_txn_abort(txn);
}
