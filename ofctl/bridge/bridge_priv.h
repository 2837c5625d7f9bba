/* SPDX-License-Identifier: Apache-2.0
 *
 * What runs, as the files of this folder share it.
 */
#ifndef SLUICE_OFCTL_BRIDGE_PRIV_H
#define SLUICE_OFCTL_BRIDGE_PRIV_H

#include <stdint.h>
#include <sys/queue.h>

#include "hal/object.h"
#include "ofctl/bridge/bridge.h"
#include "ofctl/bridge/start_config.h"
#include "ofctl/host/host.h"
#include "ofctl/openflow/agent.h"
#include "ofctl/ovsdb/ovsdb.h"
#include "ofctl/pipeline/pipeline.h"
#include "offload/offload.h"
#include "swpath/swpath.h"

struct event;

enum iface_kind {
	IFACE_NETDEV,   /* a kernel port, on a device that takes it */
	IFACE_SOFTWARE, /* a kernel port that is to stay off devices */
	IFACE_INTERNAL,
	IFACE_DPDK,
	IFACE_PATCH,
	IFACE_DEVICE,
	IFACE_TUNNEL
};

/* What a row of Interface asks for. */
struct iface_want {
	enum iface_kind kind;
	bool off_device; /* INTERNAL: it is to stay off devices */
	char name[64];
	char devargs[256]; /* DPDK */
	char device[64];   /* DEVICE: driver's name or the whole device's */
	char error[160];   /* why the row makes no sense, or "" */
	uint8_t mac[6];    /* INTERNAL: all zero if the row does not say */
	uint32_t mtu;
	struct pl_tunnel tunnel; /* TUNNEL: `end` is not set */
};

struct iface {
	LIST_ENTRY(iface) link; /* in bridge->ifaces */
	struct bridge *br;
	struct ovsdb_uuid uuid;
	struct iface_want want;
	struct pl_port_config cfg;
	bool open;        /* datapath port (or patch) and pipeline port exist */
	int device;       /* index, or -1 */
	uint32_t ifindex; /* INTERNAL: of what is on the device */
	bool bind_due;    /* NETDEV, INTERNAL: the device did not take it, and may later */
	uint32_t dp_port; /* HAL_PORT_NONE while closed, and for patch ports */
	char error[256];  /* why it is not open */
	bool wanted;      /* mark of the last reconciliation */
	bool status_due;  /* to be written to the database */
	char egress[16];  /* TUNNEL: netdev where its packets leave, "" if none does */
	bool egress_up;
};

LIST_HEAD(iface_list, iface);

struct bridge {
	LIST_ENTRY(bridge) link;
	struct bridges *all;
	struct ovsdb_uuid uuid;
	char name[64];
	struct pl_bridge *pl;
	struct of_agent *agent;
	struct iface_list ifaces;
	bool wanted;
	bool evicts[OF_TABLES]; /* tables.c: is asked to, and it was said that it does not */
};

LIST_HEAD(bridge_list, bridge);
LIST_HEAD(tunnel_end_list, tunnel_end);
LIST_HEAD(capture_list, capture);

struct rpc;

#define CT_ZONE_WORDS 1024 /* a bit for each zone */

struct bridges {
	struct bridges_config cfg;
	bool restore_wait; /* other_config:flow-restore-wait */
	struct bridge_list list;
	struct tunnel_end_list tunnel_ends;
	struct capture_list captures; /* rpc_capture.c */
	struct event *retry, *statistics, *soon;
	struct rpc *rpc;
	char device_spec[64]; /* of the open device, "" if none */
	int device;           /* its index, or -1 */
	char device_error[256];
	bool others_forgotten; /* what a former run left in devices that are not wanted now */
	uint64_t ct_seqno;     /* of the tables of zones, when they were last applied */
	uint64_t ct_zones[CT_ZONE_WORDS]; /* that have timeouts of their own */
	bool cleaned;                     /* netdevs of a former run that nobody wants are gone */
	struct start_config start;        /* what the database last said */
};

/* reconcile.c */
void bridges_reconcile(struct bridges *b);
/* Writes what is due to the database, soon, all in one transaction. */
void bridges_status_soon(struct bridges *b);
/* Tries interfaces that are not open again, within a second. */
void bridges_retry_soon(struct bridges *b);

/* iface_want.c: what a row of Interface in a row of Port asks for. */
void iface_want_read(const char *bridge, const struct ovsdb_row *port,
	const struct ovsdb_row *iface, bool offload, struct iface_want *want);
bool iface_want_equal(const struct iface_want *a, const struct iface_want *b);
/* VLAN configuration of a row of Port. */
void iface_vlan_read(const struct ovsdb_row *port, struct pl_port_config *cfg);

/* iface.c */
void iface_open(struct iface *i, const struct ovsdb_row *row);
void iface_close(struct iface *i, bool delete_netdev);
/* Of a kernel port that is in software until its device takes it: if it does now, the port is
 * closed, for the next reconciliation to open it there. */
void iface_bind_again(struct iface *i);
/* An open internal port, if there is a device that takes it; and the other way round. */
void iface_bind_internal(struct iface *i);
void iface_unbind_internal(struct iface *i);
void iface_update_link(struct iface *i);
struct iface *iface_by_dp_port(struct bridges *b, uint32_t dp_port);
/* A datapath id that follows from the name, so that it is the same after a restart. */
uint32_t iface_stable_dp_port(struct bridges *b, const char *name);

/* tunnel_want.c: false if the type is no tunnel's. */
bool tunnel_want_read(const struct ovsdb_row *row, const char *type, struct iface_want *w);

/* tunnel.c: gives i->cfg.tunnel what it needs of the datapath; 0, or -errno with i->error set. */
int tunnel_open(struct iface *i);
void tunnel_close(struct iface *i);
bool tunnel_end_has_id(struct bridges *b, uint32_t id);
/* Looks again where its packets leave; true if that is new. */
bool tunnel_egress_changed(struct iface *i);
void tunnel_ends_list(struct bridges *b,
	void (*cb)(void *ctx, const struct hal_tunnel *t, const struct hal_port_stats *s),
	void *ctx);

/* tables.c */
void tables_reconcile(struct bridge *br, const struct ovsdb_row *row);

/* datapath.c */
void datapath_write_capabilities(const struct ovsdb_row *root, struct ovsdb_txn *txn);

/* ct_zones.c */
void ct_zones_reconcile(struct bridges *b, const struct ovsdb_row *root);

/* device.c */
void device_reconcile(struct bridges *b, const struct ovsdb_row *root);
/* The index of the device that an Interface names, or -1. */
int device_find(struct bridges *b, const char *name);
/* The index of a device that takes kernel ports which name none, or -1. */
int device_for_kernel_ports(struct bridges *b);
/* The same for internal ports. */
int device_for_internal_ports(struct bridges *b);

/* controllers.c */
void controllers_reconcile(struct bridge *br, const struct ovsdb_row *row);
/* The row of SSL. */
void tls_reconcile(struct bridges *b, const struct ovsdb_row *root);
void controllers_write_status(struct bridge *br, struct ovsdb_txn *txn);

/* status.c */
void status_write(struct bridges *b, bool statistics, bool applied);

/* rpc.c: the JSON-RPC socket that ovs-appctl and sluicectl speak to. */
int rpc_open(struct bridges *b, struct rpc **out);
void rpc_close(struct rpc *r);

/* rpc_capture.c: ends all captures. */
void captures_close(struct bridges *b);

#endif
