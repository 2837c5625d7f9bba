/* SPDX-License-Identifier: Apache-2.0
 *
 * Port status of a kernel netdev: rtnetlink for what it is, ethtool for speed and driver.
 */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/ethtool.h>
#include <linux/sockios.h>

#include "swpath/port/rtnl.h"

static int ethtool(int fd, const char *name, void *request)
{
	struct ifreq ifr = {.ifr_data = request};

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	return ioctl(fd, SIOCETHTOOL, &ifr) < 0 ? -errno : 0;
}

/* The kernel says first how many words of link modes it has, then answers. */
static void read_speed(int fd, const char *name, struct swpath_port_status *out)
{
	_Alignas(8) char buf[sizeof(struct ethtool_link_settings) + 3 * 127 * sizeof(uint32_t)];
	struct ethtool_link_settings *s = (struct ethtool_link_settings *)buf;

	memset(buf, 0, sizeof(buf));
	s->cmd = ETHTOOL_GLINKSETTINGS;
	if (ethtool(fd, name, s) < 0 || s->link_mode_masks_nwords >= 0)
		return;
	s->link_mode_masks_nwords = (int8_t)-s->link_mode_masks_nwords;
	s->cmd = ETHTOOL_GLINKSETTINGS;
	if (ethtool(fd, name, s) < 0)
		return;
	if (s->speed != (uint32_t)SPEED_UNKNOWN)
		out->speed_mbps = s->speed;
	out->full_duplex = s->duplex == DUPLEX_FULL;
}

int swpath_rtnl_status(const char *name, struct swpath_port_status *out, char driver[32])
{
	struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};
	struct swpath_rtnl_link link;
	int fd, rc;

	memset(out, 0, sizeof(*out));
	driver[0] = '\0';
	out->driver = driver;
	rc = swpath_rtnl_get_link(name, &link);
	if (rc < 0)
		return rc;
	out->exists = true;
	out->admin_up = link.link.admin_up;
	out->link_up = link.link.link_up;
	out->mtu = link.link.mtu;
	out->ifindex = link.link.ifindex;
	memcpy(out->mac, link.link.mac, sizeof(out->mac));
	snprintf(driver, 32, "%s", link.kind);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return 0;
	if (ethtool(fd, name, &info) == 0)
		snprintf(driver, 32, "%.31s", info.driver);
	read_speed(fd, name, out);
	close(fd);
	return 0;
}
