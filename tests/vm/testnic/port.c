// SPDX-License-Identifier: GPL-2.0
/*
 * Ports: a representor and the far end of a cable, which frames go to and fro between.
 */
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>

#include "port.h"
#include "testnic.h"

struct testnic_port testnic_ports[TESTNIC_PORTS];
unsigned int testnic_n_ports = 4;

static struct testnic_port **port_of(const struct net_device *dev)
{
	return netdev_priv(dev);
}

static int open(struct net_device *dev)
{
	netif_carrier_on(dev);
	return 0;
}

bool testnic_port_is_up(const struct testnic_port *port)
{
	return port->dev && netif_running(port->dev) && netif_running(port->wire);
}

void testnic_send(struct testnic_port *port, struct sk_buff *skb)
{
	unsigned int len = skb->len + (skb_vlan_tag_present(skb) ? VLAN_HLEN : 0);

	if (!testnic_port_is_up(port)) {
		kfree_skb(skb);
		return;
	}
	dev_sw_netstats_tx_add(port->dev, 1, len);
	dev_sw_netstats_rx_add(port->wire, len);
	skb_orphan(skb);
	skb_scrub_packet(skb, true);
	skb->protocol = eth_type_trans(skb, port->wire);
	netif_rx(skb);
}

static netdev_tx_t representor_xmit(struct sk_buff *skb, struct net_device *dev)
{
	testnic_send(*port_of(dev), skb);
	return NETDEV_TX_OK;
}

static netdev_tx_t wire_xmit(struct sk_buff *skb, struct net_device *dev)
{
	dev_sw_netstats_tx_add(dev, 1, skb->len);
	testnic_receive(*port_of(dev), skb);
	return NETDEV_TX_OK;
}

static struct devlink_port *devlink_port_of(struct net_device *dev)
{
	return &(*port_of(dev))->devlink;
}

static const struct net_device_ops representor_ops = {
	.ndo_open = open,
	.ndo_start_xmit = representor_xmit,
	.ndo_setup_tc = testnic_setup_tc,
	.ndo_get_devlink_port = devlink_port_of,
	.ndo_get_stats64 = dev_get_tstats64,
	.ndo_set_mac_address = eth_mac_addr,
};

static const struct net_device_ops wire_ops = {
	.ndo_open = open,
	.ndo_start_xmit = wire_xmit,
	.ndo_get_stats64 = dev_get_tstats64,
	.ndo_set_mac_address = eth_mac_addr,
};

struct testnic_port *testnic_port_of(const struct net_device *dev)
{
	return dev && dev->netdev_ops == &representor_ops ? *port_of(dev) : NULL;
}

static void setup(struct net_device *dev)
{
	ether_setup(dev);
	dev->max_mtu = ETH_MAX_MTU;
	dev->priv_flags |= IFF_NO_QUEUE | IFF_LIVE_ADDR_CHANGE;
	eth_hw_addr_random(dev);
}

/* A registered netdev of a port, or NULL. */
static struct net_device *create(struct testnic_port *port, const char *name,
	const struct net_device_ops *ops, struct device *parent)
{
	struct net_device *dev = alloc_netdev(sizeof(port), name, NET_NAME_USER, setup);

	if (!dev)
		return NULL;
	*port_of(dev) = port;
	dev->netdev_ops = ops;
	dev->tstats = netdev_alloc_pcpu_stats(struct pcpu_sw_netstats);
	if (!dev->tstats)
		goto free_dev;
	if (ops == &representor_ops) {
		dev->hw_features |= NETIF_F_HW_TC;
		dev->features |= NETIF_F_HW_TC;
		SET_NETDEV_DEV(dev, parent);
	}
	if (register_netdev(dev))
		goto free_stats;
	return dev;

free_stats:
	free_percpu(dev->tstats);
free_dev:
	free_netdev(dev);
	return NULL;
}

static void destroy(struct net_device *dev)
{
	struct pcpu_sw_netstats __percpu *stats = dev->tstats;

	unregister_netdev(dev);
	free_percpu(stats);
	free_netdev(dev);
}

int testnic_port_add(unsigned int index, struct devlink *devlink, struct device *parent)
{
	struct devlink_port_attrs attrs = {.flavour = DEVLINK_PORT_FLAVOUR_PHYSICAL};
	struct testnic_port *port = &testnic_ports[index];
	char name[IFNAMSIZ];
	int err;

	port->index = index;
	INIT_LIST_HEAD(&port->table.rules);
	attrs.phys.port_number = index;
	attrs.switch_id.id_len = 7;
	memcpy(attrs.switch_id.id, "testnic", 7);
	memset(&port->devlink, 0, sizeof(port->devlink));
	devlink_port_attrs_set(&port->devlink, &attrs);
	err = devlink_port_register(devlink, &port->devlink, index);
	if (err)
		return err;
	snprintf(name, sizeof(name), "wire%u", index);
	port->wire = create(port, name, &wire_ops, parent);
	if (!port->wire)
		goto unregister_port;
	snprintf(name, sizeof(name), "swp%u", index);
	port->dev = create(port, name, &representor_ops, parent);
	if (!port->dev)
		goto destroy_wire;
	devlink_port_type_eth_set(&port->devlink, port->dev);
	return 0;

destroy_wire:
	destroy(port->wire);
	port->wire = NULL;
unregister_port:
	devlink_port_unregister(&port->devlink);
	return -ENOMEM;
}

void testnic_port_del(unsigned int index)
{
	struct testnic_port *port = &testnic_ports[index];
	struct net_device *dev = port->dev, *wire = port->wire;

	if (!dev)
		return;
	devlink_port_type_clear(&port->devlink);
	destroy(dev); /* TC takes its rules away meanwhile */
	testnic_rules_forget(&port->table);
	port->dev = NULL;
	destroy(wire);
	port->wire = NULL;
	devlink_port_unregister(&port->devlink);
}
