/* SPDX-License-Identifier: Apache-2.0
 *
 * A network namespace of our own with veth pairs as the device's ports.
 */
#include "contract.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define FRAME 60

static int run(const char *fmt, unsigned n)
{
	char cmd[512];

	snprintf(cmd, sizeof(cmd), fmt, n, n, n, n);
	return system(cmd) ? -EIO : 0;
}

static int wire_open(const char *name)
{
	struct sockaddr_ll at = {.sll_family = AF_PACKET, .sll_protocol = htons(0x88b5)};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, htons(0x88b5)), one = 1;

	at.sll_ifindex = (int)if_nametoindex(name);
	setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one));
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)))
		return -errno;
	return fd;
}

/* Those that are there. */
static int wires_take(struct contract *ct)
{
	for (unsigned i = 0; i < PORTS; i++) {
		char name[16];

		snprintf(name, sizeof(name), "%s%u", ct->wire_name, i);
		ct->wire[i] = wire_open(name);
		if (ct->wire[i] < 0)
			return ct->wire[i];
	}
	ct->wires = true;
	return 0;
}

int wires_make(struct contract *ct)
{
	if (ct->wire_name)
		return wires_take(ct);
	if (geteuid() || unshare(CLONE_NEWNET))
		return -EPERM;
	if (run("sysctl -qw net.ipv6.conf.default.disable_ipv6=1 2>/dev/null || true", 0))
		return -EIO;
	for (unsigned i = 0; i < PORTS; i++) {
		char name[16];

		if (run("ip link add slc%u type veth peer name slcp%u && ip link set slc%u up && "
			"ip link set slcp%u up",
			    i + 1))
			return -EIO;
		/* Meters may ask for packets that come one at a time, as from a wire. */
		run("ethtool -K slcp%u tso off tx-udp-segmentation off tx-sctp-segmentation off "
		    "tx-gso-list off >/dev/null 2>&1",
			i + 1);
		snprintf(name, sizeof(name), "slcp%u", i + 1);
		ct->wire[i] = wire_open(name);
		if (ct->wire[i] < 0)
			return ct->wire[i];
	}
	ct->wires = true;
	return 0;
}

bool contract_send(struct contract *ct, uint32_t n, unsigned frames)
{
	uint8_t f[FRAME] = {2, 0, n >> 24, n >> 16, n >> 8, n, 2, 0, 0, 0, 9, 9, 0x88, 0xb5};

	for (unsigned i = 0; i < frames; i++)
		if (send(ct->wire[0], f, sizeof(f), 0) != sizeof(f))
			return false;
	return true;
}

unsigned contract_receive(struct contract *ct, unsigned wire, unsigned want, unsigned ms)
{
	uint64_t end = hal_now_ms() + ms;
	uint8_t f[2048];
	unsigned n = 0;

	while (n < want && hal_now_ms() < end) {
		struct pollfd p = {.fd = ct->wire[wire], .events = POLLIN};

		if (poll(&p, 1, 10) == 1 && recv(ct->wire[wire], f, sizeof(f), 0) > 0)
			n++;
	}
	return n;
}
