/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether the kernel's act_pedit finds transport headers: it is asked to write a UDP port, and what
 * comes out is looked at.
 *
 * A thread of its own does that in a network namespace of its own, which is gone with it: with a
 * device like any other, whose rule sends what comes by the loopback netdev to a TAP. Nobody else's
 * netdevs, filters or namespaces are touched. Where that cannot be done the answer is no.
 *
 *   packet socket --> lo --[ rule ]--> TAP --> its descriptor
 *
 * Packets from a card come without a word on where their transport header is. Those of TAPs and of
 * packet sockets are looked into for it, unless it is not said that they are IP: so the packet
 * socket says that they are something else, and the loopback netdev finds out what they are.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "drivers/tc/tc.h"

#define TAP "slprobe"
#define PORT_IN 1u
#define PORT_OUT 2u
#define NOT_IP 0x88b5 /* IEEE 802, local experimental */
#define UDP_FROM 1000u
#define UDP_TO 2000u
#define WAIT_MS 200 /* for what comes out; it takes less than one */

struct frame {
	struct ethhdr eth;
	struct iphdr ip;
	struct udphdr udp;
	uint8_t payload[18];
} __attribute__((packed));

static void fill(struct frame *f)
{
	const struct frame made = {
		.eth = {.h_dest = {2, 0, 0, 0, 0, 2},
			.h_source = {2, 0, 0, 0, 0, 1},
			.h_proto = RTE_BE16(ETH_P_IP)},
		.ip = {.version = 4,
			.ihl = 5,
			.tot_len = rte_cpu_to_be_16(sizeof(*f) - sizeof(f->eth)),
			.ttl = 64,
			.protocol = IPPROTO_UDP,
			.saddr = RTE_BE32(0xc0000201), /* RFC 5737 */
			.daddr = RTE_BE32(0xc0000202)},
		.udp = {.source = RTE_BE16(UDP_FROM),
			.dest = RTE_BE16(UDP_FROM),
			.len = rte_cpu_to_be_16(sizeof(f->udp) + sizeof(f->payload))},
	};

	*f = made;
}

static int open_tap(void)
{
	struct ifreq ifr = {.ifr_name = TAP, .ifr_flags = IFF_TAP | IFF_NO_PI};
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK), err;

	if (fd < 0)
		return -errno;
	if (!ioctl(fd, TUNSETIFF, &ifr))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

/* ---- the rule ---- */

static struct hal_cmatch *match_udp(void)
{
	struct hal_key value = {0}, mask = {0};

	value.in_port = RTE_BE32(PORT_IN);
	value.eth_type = RTE_BE16(ETH_P_IP);
	value.ip_proto = IPPROTO_UDP;
	mask.in_port = UINT32_MAX;
	mask.eth_type = RTE_BE16(0xffff);
	memset(&mask.vlan, 0xff, sizeof(mask.vlan));
	mask.ip_proto = 0xff;
	mask.ip_frag = HAL_FRAG_ANY | HAL_FRAG_LATER;
	return hal_cmatch_new_dp(&value, &mask);
}

static struct hal_program *write_port(void)
{
	const uint8_t to[HAL_VALUE_MAX] = {UDP_TO >> 8, UDP_TO & 0xff};
	const uint8_t ones[HAL_VALUE_MAX] = {0xff, 0xff};
	struct hal_builder b;

	hal_builder_init(&b);
	hal_build_set(&b, FIELD_UDP_DST, to, ones);
	hal_build_output(&b, PORT_OUT);
	return hal_builder_finish(&b);
}

static int add_rule(struct tc_dev *dev)
{
	struct hal_cmatch *match = match_udp();
	struct hal_program *program = write_port();
	struct hal_op op = {.type = HAL_OP_ADD,
		.rule = {.ufid = {{1, 1}},
			.match = match,
			.program = program,
			.priority = TC_RULE_PRIORITY}};
	struct hal_completion c = {.error = -ENOMEM};

	if (match && program)
		tc_submit(dev, &op, 1);
	if (op.accepted)
		tc_poll(dev, &c, 1);
	free(match);
	free(program);
	return c.error;
}

/* ---- the packet ---- */

/* Whether the port was written, and nothing else. */
static bool is_right(const struct frame *got)
{
	struct frame want;

	fill(&want);
	want.udp.dest = RTE_BE16(UDP_TO);
	want.ip.check = got->ip.check; /* of no interest */
	return !memcmp(got, &want, sizeof(want));
}

static bool send_packet(uint32_t ifindex)
{
	const struct sockaddr_ll to = {.sll_family = AF_PACKET,
		.sll_protocol = RTE_BE16(NOT_IP),
		.sll_ifindex = (int)ifindex};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	struct frame f;
	ssize_t n;

	if (fd < 0)
		return false;
	fill(&f);
	n = sendto(fd, &f, sizeof(f), 0, (const struct sockaddr *)&to, sizeof(to));
	close(fd);
	return n == (ssize_t)sizeof(f);
}

static bool receive_packet(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	struct frame f;
	uint8_t got[2048];

	fill(&f);
	/* The host may have something to say there, too. */
	while (poll(&p, 1, WAIT_MS) == 1) {
		ssize_t n = read(fd, got, sizeof(got));

		if (n < (ssize_t)sizeof(f) || memcmp(got, f.eth.h_dest, sizeof(f.eth.h_dest)))
			continue;
		memcpy(&f, got, sizeof(f));
		return is_right(&f);
	}
	return false;
}

/* ---- the place ---- */

static int bind_port(struct tc_dev *dev, uint32_t port, const char *name)
{
	struct hal_port_handle handle = {.kind = HAL_PORT_NETDEV, .index = if_nametoindex(name)};
	int err;

	snprintf(handle.name, sizeof(handle.name), "%s", name);
	err = netdev_link_up(dev->ch, handle.index);
	return err ? err : tc_port_bind(dev, port, &handle, NULL);
}

static bool run(struct tc_dev *dev, int fd)
{
	dev->writes_transport = true; /* so that the rule is written */
	return !bind_port(dev, PORT_IN, "lo") && !bind_port(dev, PORT_OUT, TAP) && !add_rule(dev) &&
	       send_packet(if_nametoindex("lo")) && receive_packet(fd);
}

static void *probe(void *arg)
{
	bool *finds = arg;
	struct tc_dev *dev;
	int fd;

	if (unshare(CLONE_NEWNET))
		return NULL;
	fd = open_tap();
	if (fd < 0)
		return NULL;
	if (!tc_device_new(TC_POLICY_SKIP_HW, NULL, &dev, NULL)) {
		*finds = run(dev, fd);
		tc_device_free(dev);
	}
	close(fd);
	return NULL;
}

static bool answer;

static void ask(void)
{
	pthread_t thread;

	if (!pthread_create(&thread, NULL, probe, &answer))
		pthread_join(thread, NULL);
}

/* The kernel does not change while we run. */
bool tc_probe_transport(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, ask);
	return answer;
}
