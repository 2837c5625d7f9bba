/* SPDX-License-Identifier: Apache-2.0
 *
 * A port behind a hal_device: frames leave through the device's driver. What the device receives
 * for all its ports is polled in one place (swpath's workers), so this class receives nothing.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "hal/hal.h"
#include "swpath/port/count.h"
#include "swpath/port/plain.h"

enum { DEFAULT_MTU = 1500 };

static int device_open(
	struct swpath_port *port, const struct swpath_port_config *cfg, char *err, size_t n)
{
	if (!cfg->device) {
		snprintf(err, n, "%s: a device port needs its device", port->name);
		return -EINVAL;
	}
	port->priv = cfg->device;
	atomic_store(&port->mtu, cfg->mtu ? cfg->mtu : DEFAULT_MTU);
	atomic_store(&port->up, true);
	return 0;
}

static void device_close(struct swpath_port *port, bool delete_netdev)
{
	(void)delete_netdev;
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
	(void)worker;
	return hal_port_tx(port->priv, port->id, frames, n);
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

/* The HAL has no word for a device port's link: it is what was set here. */
static int device_status(struct swpath_port *port, struct swpath_port_status *out)
{
	*out = (struct swpath_port_status){
		.exists = true,
		.admin_up = atomic_load(&port->up),
		.link_up = atomic_load(&port->up),
		.mtu = atomic_load(&port->mtu),
		.driver = hal_device_name(port->priv),
	};
	return 0;
}

static int device_set_admin(struct swpath_port *port, bool up)
{
	atomic_store(&port->up, up);
	return 0;
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
};
