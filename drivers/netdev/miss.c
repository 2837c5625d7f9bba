/* SPDX-License-Identifier: Apache-2.0
 *
 * Netdevs for packets that no rule took.
 *
 * Each is a TAP of ours that nobody reads by its descriptor: TC puts packets into its receive
 * path, where a packet socket finds them as if they had come by the port. It is gone with the
 * descriptor, so nothing stays behind when the daemon is killed.
 */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/if_tun.h>

#include "drivers/netdev/netdev.h"

static void keep_quiet(const char *name)
{
	char path[96];
	int fd;

	/* The host has nothing to say there. */
	snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/disable_ipv6", name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	(void)!write(fd, "1", 1);
	close(fd);
}

int netdev_miss_open(struct netdev_channel *ch, uint32_t port_ifindex, struct netdev_miss *miss,
	struct hal_reason *r)
{
	struct ifreq ifr = {.ifr_flags = IFF_TAP | IFF_NO_PI};
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK), err = 0;

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "slm%u", port_ifindex);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &ifr))
		err = -errno;
	if (!err) {
		keep_quiet(ifr.ifr_name);
		miss->ifindex = if_nametoindex(ifr.ifr_name);
		err = miss->ifindex ? netdev_link_up(ch, miss->ifindex) : -ENODEV;
	}
	if (err) {
		if (fd >= 0)
			close(fd);
		return hal_refuse(r, HAL_REASON_DEVICE_ERROR,
			"no TAP %s for packets without a rule: %s", ifr.ifr_name, strerror(-err));
	}
	miss->fd = fd;
	snprintf(miss->name, sizeof(miss->name), "%s", ifr.ifr_name);
	return 0;
}

void netdev_miss_close(struct netdev_miss *miss)
{
	if (miss->fd >= 0)
		close(miss->fd);
	*miss = (struct netdev_miss){.fd = -1};
}
