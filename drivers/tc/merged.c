/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether packets may come to a netdev several at once, as one that is longer than any on a wire:
 * merged by the kernel or by the card as they are received (GRO, LRO), or not yet cut by whoever
 * sends them into the other end of a veth or a TAP (TSO). The kernel's policer takes such a packet
 * for one.
 */
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/if_tun.h>

#include "drivers/tc/tc.h"

static int ask(int fd, const char *name, void *question)
{
	struct ifreq ifr = {.ifr_data = question};

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	return ioctl(fd, SIOCETHTOOL, &ifr) ? -errno : 0;
}

/* ---- what is on as packets are received ---- */

struct features {
	unsigned n; /* that this kernel knows */
	struct ethtool_gstrings *names;
	struct ethtool_gfeatures *bits;
};

static int count_features(int fd, const char *name, unsigned *n)
{
	union {
		struct ethtool_sset_info info;
		uint32_t room[sizeof(struct ethtool_sset_info) / sizeof(uint32_t) + 1];
	} q = {.info = {.cmd = ETHTOOL_GSSET_INFO, .sset_mask = 1ull << ETH_SS_FEATURES}};
	int err = ask(fd, name, &q);

	*n = q.room[sizeof(q.info) / sizeof(q.room[0])]; /* of the only set that is asked about */
	return err;
}

static int read_features(int fd, const char *name, struct features *f)
{
	int err = count_features(fd, name, &f->n);
	const unsigned blocks = (f->n + 31) / 32;

	if (err)
		return err;
	f->names = calloc(1, sizeof(*f->names) + (size_t)f->n * ETH_GSTRING_LEN);
	f->bits = calloc(1, sizeof(*f->bits) + blocks * sizeof(f->bits->features[0]));
	if (!f->names || !f->bits)
		return -ENOMEM;
	f->names->cmd = ETHTOOL_GSTRINGS;
	f->names->string_set = ETH_SS_FEATURES;
	f->names->len = f->n;
	err = ask(fd, name, f->names);
	if (err)
		return err;
	f->bits->cmd = ETHTOOL_GFEATURES;
	f->bits->size = blocks;
	return ask(fd, name, f->bits);
}

/* One of the features in the list that is on, "" if none is. */
static void find_active(
	const struct features *f, const char *const *list, unsigned n, char out[ETH_GSTRING_LEN])
{
	for (unsigned i = 0; i < f->n; i++) {
		const char *name = (const char *)f->names->data + (size_t)i * ETH_GSTRING_LEN;

		if (!(f->bits->features[i / 32].active & 1u << i % 32))
			continue;
		for (unsigned at = 0; at < n; at++)
			if (!strncmp(name, list[at], ETH_GSTRING_LEN))
				snprintf(out, ETH_GSTRING_LEN, "%s", list[at]);
	}
}

/* Whether none of these features of a netdev is on. */
static int check_features(int fd, const struct tc_port *port, const char *netdev,
	const char *const *list, unsigned n, struct hal_reason *r)
{
	struct features f = {0};
	char feature[ETH_GSTRING_LEN] = "";
	int err = read_features(fd, netdev, &f);

	if (!err)
		find_active(&f, list, n, feature);
	free(f.names);
	free(f.bits);
	if (!err && !feature[0])
		return 0;
	if (err)
		return hal_refuse_action(r, HAL_REASON_UNSUPPORTED_COMBINATION, ACTION_METER,
			"the features of %s are not known: %s", netdev, strerror(-err));
	return hal_refuse_action(r, HAL_REASON_UNSUPPORTED_COMBINATION, ACTION_METER,
		"by %s packets may come merged, which the kernel's policer takes for one (ethtool "
		"-K %s %s off)",
		port->name, netdev, feature);
}

static int check_received(int fd, const struct tc_port *port, struct hal_reason *r)
{
	static const char *const merging[] = {"rx-gro", "rx-lro", "rx-gro-hw", "rx-gro-list"};

	return check_features(fd, port, port->name, merging, RTE_DIM(merging), r);
}

/* ---- what comes from the other end ---- */

/* A veth brings what its peer was sent; what that cannot send whole is cut before. */
static int check_veth(struct tc_dev *dev, int fd, const struct tc_port *port, struct hal_reason *r)
{
	static const char *const whole[] = {"tx-tcp-segmentation", "tx-tcp-ecn-segmentation",
		"tx-tcp-mangleid-segmentation", "tx-tcp6-segmentation", "tx-udp-segmentation",
		"tx-sctp-segmentation", "tx-gso-list"};
	struct netdev_link link, peer;

	if (!netdev_link_get(dev->ch, port->ifindex, &link) && link.peer &&
		!netdev_link_get(dev->ch, link.peer, &peer))
		return check_features(fd, port, peer.name, whole, RTE_DIM(whole), r);
	return hal_refuse_action(r, HAL_REASON_UNSUPPORTED_COMBINATION, ACTION_METER,
		"by %s packets may come merged, which the kernel's policer takes for one: what its "
		"peer in another namespace cuts is not known",
		port->name);
}

static int check_tap(const struct tc_port *port, struct hal_reason *r)
{
	char path[64];
	unsigned flags = IFF_VNET_HDR;
	FILE *f;

	snprintf(path, sizeof(path), "/sys/class/net/%s/tun_flags", port->name);
	f = fopen(path, "re");
	if (f && fscanf(f, "%x", &flags) != 1)
		flags = IFF_VNET_HDR;
	if (f)
		fclose(f);
	if (!(flags & IFF_VNET_HDR))
		return 0;
	return hal_refuse_action(r, HAL_REASON_UNSUPPORTED_COMBINATION, ACTION_METER,
		"by the TAP %s packets may come merged, which the kernel's policer takes for one",
		port->name);
}

static int check(struct tc_dev *dev, int fd, const struct tc_port *port, struct hal_reason *r)
{
	struct ethtool_drvinfo driver = {.cmd = ETHTOOL_GDRVINFO};
	int err = check_received(fd, port, r);

	if (err)
		return err;
	if (ask(fd, port->name, &driver))
		return 0;
	if (!strcmp(driver.driver, "veth"))
		return check_veth(dev, fd, port, r);
	return strcmp(driver.driver, "tun") ? 0 : check_tap(port, r);
}

int tc_check_merged(struct tc_dev *dev, const struct tc_port *port, struct hal_reason *r)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), err;

	if (fd < 0)
		return hal_refuse(r, HAL_REASON_RETRY, "no socket: %s", strerror(errno));
	err = check(dev, fd, port, r);
	close(fd);
	return err;
}
