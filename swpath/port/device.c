/* SPDX-License-Identifier: Apache-2.0
 *
 * A port behind a hal_device: frames leave through the device's driver. What the device receives
 * for all its ports is polled in one place (swpath's workers), so this class receives nothing.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hal/hal.h"
#include "swpath/port/count.h"
#include "swpath/port/plain.h"
#include "swpath/port/rtnl.h"

enum { DEFAULT_MTU = 1500 };

struct device_port {
	struct hal_device *device;
	uint32_t ifindex; /* of the netdev that the device has bound, 0: it is not one */
	char driver[32];
};

static void take_link(struct swpath_port *port, const struct swpath_link *link)
{
	if (!link->gone)
		atomic_store(&port->mtu, link->mtu);
	atomic_store(&port->up, !link->gone && link->admin_up && link->link_up);
}

static int device_open(
	struct swpath_port *port, const struct swpath_port_config *cfg, char *err, size_t n)
{
	struct swpath_rtnl_link netdev;
	struct device_port *dp;

	if (!cfg->device) {
		snprintf(err, n, "%s: a device port needs its device", port->name);
		return -EINVAL;
	}
	dp = calloc(1, sizeof(*dp));
	if (!dp) {
		snprintf(err, n, "%s: out of memory", port->name);
		return -ENOMEM;
	}
	dp->device = cfg->device;
	atomic_store(&port->mtu, cfg->mtu ? cfg->mtu : DEFAULT_MTU);
	atomic_store(&port->up, true);
	if (!swpath_rtnl_get_link(port->name, &netdev)) {
		dp->ifindex = netdev.link.ifindex;
		take_link(port, &netdev.link);
	}
	port->priv = dp;
	return 0;
}

static void device_close(struct swpath_port *port, bool delete_netdev)
{
	(void)delete_netdev;
	free(port->priv);
	port->priv = NULL;
}

static unsigned device_rx(struct swpath_port *port, unsigned worker, struct rte_mbuf **pkts,
	struct hal_rx_meta *meta, unsigned max)
{
	(void)port;
	(void)worker;
	(void)pkts;
	(void)meta;
	(void)max;
	return 0;
}

static unsigned device_send(
	struct swpath_port *port, unsigned worker, struct rte_mbuf **frames, unsigned n)
{
	const struct device_port *dp = port->priv;

	(void)worker;
	return hal_port_tx(dp->device, port->id, frames, n);
}

static void device_tx(struct swpath_port *port, unsigned worker, struct rte_mbuf **pkts, unsigned n,
	uint64_t drops[SWPATH_DROP_MAX])
{
	static const struct swpath_plain_output output = {.send = device_send};

	if (atomic_load_explicit(&port->up, memory_order_relaxed))
		swpath_plain_tx(port, worker, pkts, n, drops, &output);
	else
		swpath_drop_tx(port, worker, pkts, n, SWPATH_DROP_PORT_DOWN, drops);
}

static int device_rx_fd(struct swpath_port *port)
{
	(void)port;
	return -1;
}

/* The HAL has no word for a device port's link. That of a netdev is known to the kernel; of others
 * it is what was set here. */
static int device_status(struct swpath_port *port, struct swpath_port_status *out)
{
	struct device_port *dp = port->priv;

	if (dp->ifindex) {
		int err = swpath_rtnl_status(port->name, out, dp->driver);

		out->exists = out->exists && out->ifindex == dp->ifindex;
		out->driver = hal_device_name(dp->device);
		return err;
	}
	*out = (struct swpath_port_status){
		.exists = true,
		.admin_up = atomic_load(&port->up),
		.link_up = atomic_load(&port->up),
		.mtu = atomic_load(&port->mtu),
		.driver = hal_device_name(dp->device),
	};
	return 0;
}

static int device_set_admin(struct swpath_port *port, bool up)
{
	const struct device_port *dp = port->priv;

	if (dp->ifindex)
		return swpath_rtnl_set_admin(dp->ifindex, up);
	atomic_store(&port->up, up);
	return 0;
}

static bool device_link_changed(struct swpath_port *port, const struct swpath_link *link)
{
	const struct device_port *dp = port->priv;

	if (!dp->ifindex || link->ifindex != dp->ifindex)
		return false;
	take_link(port, link);
	return true;
}

const struct swpath_port_class swpath_device_class = {
	.name = "device",
	.open = device_open,
	.close = device_close,
	.rx = device_rx,
	.tx = device_tx,
	.rx_fd = device_rx_fd,
	.status = device_status,
	.set_admin = device_set_admin,
	.link_changed = device_link_changed,
};
