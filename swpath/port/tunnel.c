/* SPDX-License-Identifier: Apache-2.0
 *
 * The end of tunnels: no netdev, only an id and counters. TUNNEL_PUSH counts what it sent,
 * TUNNEL_POP what it received.
 */
#include "swpath/port/count.h"

static int tunnel_open(
	struct swpath_port *port, const struct swpath_port_config *cfg, char *err, size_t n)
{
	(void)cfg;
	(void)err;
	(void)n;
	atomic_store(&port->up, true);
	return 0;
}

static void tunnel_close(struct swpath_port *port, bool delete_netdev)
{
	(void)port;
	(void)delete_netdev;
}

static unsigned tunnel_rx(struct swpath_port *port, unsigned worker, struct rte_mbuf **pkts,
	struct hal_rx_meta *meta, unsigned max)
{
	(void)port;
	(void)worker;
	(void)pkts;
	(void)meta;
	(void)max;
	return 0;
}

/* Nothing leaves by it as it is. */
static void tunnel_tx(struct swpath_port *port, unsigned worker, struct rte_mbuf **pkts, unsigned n,
	uint64_t drops[SWPATH_DROP_MAX])
{
	swpath_drop_tx(port, worker, pkts, n, SWPATH_DROP_TX_ERROR, drops);
}

static int tunnel_rx_fd(struct swpath_port *port)
{
	(void)port;
	return -1;
}

static int tunnel_status(struct swpath_port *port, struct swpath_port_status *out)
{
	(void)port;
	*out = (struct swpath_port_status){
		.exists = true, .admin_up = true, .link_up = true, .driver = "tunnel"};
	return 0;
}

const struct swpath_port_class swpath_tunnel_class = {
	.name = "tunnel",
	.open = tunnel_open,
	.close = tunnel_close,
	.rx = tunnel_rx,
	.tx = tunnel_tx,
	.rx_fd = tunnel_rx_fd,
	.status = tunnel_status,
};
