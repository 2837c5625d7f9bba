/* SPDX-License-Identifier: Apache-2.0 */
#include "swpath/port/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/if_tun.h>
#include <linux/virtio_net.h>

/* Linux 6.2; UDP super-frames, IPv4 and IPv6. */
#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

#define MARK_PREFIX "sluice:"

enum { ALIAS_MAX = 256 }; /* with the terminator */

static int make_mark(const char *rundir, char mark[ALIAS_MAX])
{
	int len = snprintf(mark, ALIAS_MAX, MARK_PREFIX "%s", rundir);

	return len < 0 || len >= ALIAS_MAX ? -ENAMETOOLONG : 0;
}

bool swpath_tap_is_ours(const char *rundir, const struct swpath_rtnl_link *link)
{
	char mark[ALIAS_MAX];

	return make_mark(rundir, mark) == 0 && strcmp(link->kind, "tun") == 0 &&
	       strcmp(link->alias, mark) == 0;
}

/* Does a device of the name exist, and is it ours? 1: adopt, 0: make, or -errno. */
static int look_up(const char *rundir, const char *name, char *err, size_t n)
{
	struct swpath_rtnl_link link;
	int rc = swpath_rtnl_get_link(name, &link);

	if (rc == -ENODEV)
		return 0;
	if (rc < 0) {
		snprintf(err, n, "%s: asking for a network device of this name failed: %s", name,
			strerror(-rc));
		return rc;
	}
	if (swpath_tap_is_ours(rundir, &link))
		return 1;
	snprintf(err, n,
		"%s: a network device of this name exists (%s) and is not an internal port of %s",
		name, link.kind[0] ? link.kind : "hardware", rundir);
	return -EEXIST;
}

static int attach(int fd, const char *name, bool create)
{
	struct ifreq ifr = {.ifr_flags = (short)(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR |
						 (create ? IFF_TUN_EXCL : 0))};

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	return ioctl(fd, TUNSETIFF, &ifr) < 0 ? -errno : 0;
}

/* The most that the kernel lets us take over from the host's stack. IP fragments made by hardware
 * (UFO) are not asked for: no output could carry them on. */
static void set_offloads(struct swpath_tap *tap)
{
	const unsigned tcp = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;

	tap->uso = ioctl(tap->fd, TUNSETOFFLOAD, tcp | TUN_F_USO4 | TUN_F_USO6) == 0;
	if (tap->uso || ioctl(tap->fd, TUNSETOFFLOAD, tcp) == 0)
		return;
	if (ioctl(tap->fd, TUNSETOFFLOAD, TUN_F_CSUM) < 0)
		ioctl(tap->fd, TUNSETOFFLOAD, 0);
}

/* Marked first, persistent last: a process that is killed in between leaves nothing. */
static int make_lasting(struct swpath_tap *tap, const char *rundir)
{
	char mark[ALIAS_MAX];
	int rc = make_mark(rundir, mark);

	if (rc == 0)
		rc = swpath_rtnl_set_alias(tap->ifindex, mark);
	if (rc == 0 && ioctl(tap->fd, TUNSETPERSIST, 1) < 0)
		rc = -errno;
	return rc;
}

int swpath_tap_open(
	const char *rundir, const char *name, struct swpath_tap *tap, char *err, size_t n)
{
	const int vnet_size = sizeof(struct virtio_net_hdr);
	struct swpath_rtnl_link link;
	int rc, adopt;

	memset(tap, 0, sizeof(*tap));
	if (!name[0] || strlen(name) >= IFNAMSIZ) {
		snprintf(err, n, "%s: a network device's name has 1 to %d characters", name,
			IFNAMSIZ - 1);
		return -EINVAL;
	}
	adopt = look_up(rundir, name, err, n);
	if (adopt < 0)
		return adopt;
	tap->fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (tap->fd < 0) {
		rc = -errno;
		snprintf(err, n, "%s: opening /dev/net/tun failed: %s", name, strerror(-rc));
		return rc;
	}
	rc = attach(tap->fd, name, !adopt);
	if (rc < 0) {
		snprintf(err, n, "%s: %s a TAP device failed: %s%s", name,
			adopt ? "attaching to" : "making", strerror(-rc),
			rc == -EBUSY ? " (another process has it open)" : "");
		goto close_fd;
	}
	set_offloads(tap);
	if (ioctl(tap->fd, TUNSETVNETHDRSZ, &vnet_size) < 0)
		rc = -errno;
	if (rc == 0)
		rc = swpath_rtnl_get_link(name, &link);
	if (rc == 0) {
		tap->ifindex = link.link.ifindex;
		rc = adopt ? 0 : make_lasting(tap, rundir);
	}
	if (rc < 0) {
		snprintf(err, n, "%s: setting up the TAP device failed: %s", name, strerror(-rc));
		goto close_fd;
	}
	return 0;

close_fd:
	close(tap->fd);
	return rc;
}

void swpath_tap_close(struct swpath_tap *tap, bool delete_netdev)
{
	if (delete_netdev)
		ioctl(tap->fd, TUNSETPERSIST, 0);
	close(tap->fd);
}
