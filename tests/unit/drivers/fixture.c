/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/if.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_mbuf.h>

#include "drivers/sim/sim.h"

struct sim_fixture fx;

uint64_t now_ms(void)
{
	return sim_now_ms();
}

void doze(unsigned ms)
{
	const struct timespec ts = {ms / 1000, (long)(ms % 1000) * 1000000};

	nanosleep(&ts, NULL);
}

void shell(const char *fmt, ...)
{
	char cmd[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(cmd, sizeof(cmd), fmt, args);
	va_end(args);
	if (system(cmd))
		fprintf(stderr, "failed: %s\n", cmd);
}

static int wire_open(unsigned n)
{
	struct sockaddr_ll at = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0), one = 1;
	char name[16];

	snprintf(name, sizeof(name), "slup%u", n);
	at.sll_ifindex = (int)if_nametoindex(name);
	setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof(one));
	setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one));
	setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&at, sizeof(at))) {
		perror(name);
		return -1;
	}
	return fd;
}

static int make_network(void)
{
	if (unshare(CLONE_NEWNET))
		return -errno;
	shell("ip link set lo up; sysctl -qw net.ipv6.conf.default.disable_ipv6=1 "
	      "net.ipv6.conf.all.disable_ipv6=1");
	for (unsigned i = 1; i <= WIRES; i++) {
		shell("ip link add slu%u type veth peer name slup%u && ip link set slu%u up && "
		      "ip link set slup%u up",
			i, i, i, i);
		fx.wire[i] = wire_open(i);
		if (fx.wire[i] < 0)
			return -EIO;
	}
	return 0;
}

int fixture_open(void)
{
	char *argv[] = {"test-sim", "--no-huge", "--no-pci", "--no-shconf", "-m", "64",
		"--no-telemetry", "--log-level=3", NULL};

	if (geteuid()) {
		fprintf(stderr, "skipped: needs root for network namespaces\n");
		return 77;
	}
	if (make_network()) {
		fprintf(stderr, "skipped: no network namespace with veth pairs here\n");
		return 77;
	}
	snprintf(fx.rundir, sizeof(fx.rundir), "/tmp/slusim.XXXXXX");
	if (!mkdtemp(fx.rundir) || rte_eal_init(8, argv) < 0)
		return 1;
	fx.pool = rte_pktmbuf_pool_create("test", 2047, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, 0);
	return fx.pool ? 0 : 1;
}

void fixture_close(void)
{
	rte_eal_cleanup();
	shell("rm -rf %s", fx.rundir);
}

/* ---- device ---- */

void *device_open(const char *args, struct hal_caps *caps)
{
	const struct hal_env env = {.rundir = fx.rundir, .mbuf_pool = fx.pool};
	struct hal_caps own;
	struct hal_reason r = {0};
	void *dev = NULL;
	int err = sim_driver.open(args, &env, &dev, caps ? caps : &own, &r);

	if (err)
		fprintf(stderr, "sim:%s: %s\n", args, r.text);
	CU_ASSERT_EQUAL_FATAL(err, 0);
	return dev;
}

void device_bind_all(void *dev)
{
	for (unsigned i = 1; i <= WIRES; i++) {
		struct hal_port_handle h = {.kind = HAL_PORT_NETDEV};
		struct hal_reason r = {0};

		snprintf(h.name, sizeof(h.name), "slu%u", i);
		h.index = if_nametoindex(h.name);
		if (sim_driver.port_bind(dev, i, &h, &r))
			CU_FAIL_FATAL(r.text);
	}
}

int device_pid(void *dev)
{
	return ((struct sim_dev *)dev)->pid;
}

bool process_alive(int pid)
{
	char path[64], target[256];

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	return readlink(path, target, sizeof(target)) > 0;
}

void device_close(void *dev, const char *name)
{
	int pid = device_pid(dev);

	sim_driver.close(dev);
	if (name)
		kill(pid, SIGTERM);
	for (unsigned i = 0; name && i < 200 && process_alive(pid); i++)
		doze(10);
}

void device_script(const char *name, const char *script)
{
	char path[96];
	FILE *f;

	snprintf(path, sizeof(path), "%s/simnic-%s.script", fx.rundir, name);
	f = fopen(path, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	fputs(script, f);
	fclose(f);
}

int device_load_script(const char *name)
{
	char cmd[256];

	snprintf(cmd, sizeof(cmd),
		"%s --rundir %s --name %s --script %s/simnic-%s.script 2>/dev/null",
		getenv("SLUICE_SIMNIC"), fx.rundir, name, fx.rundir, name);
	return system(cmd);
}

/* ---- rules ---- */

void rule_make(struct test_rule *t, uint64_t ufid, uint32_t in_port, const char *match)
{
	char text[256], err[160], *save = NULL;
	struct hal_match m = {0};

	if (in_port)
		hal_match_set_u64(&m, FIELD_DP_PORT, in_port);
	snprintf(text, sizeof(text), "%s", match);
	for (char *word = strtok_r(text, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
		char *value = strchr(word, '=');

		if (value)
			*value++ = '\0';
		if (hal_match_parse_token(&m, word, value, err, sizeof(err)))
			CU_FAIL_FATAL(err);
	}
	*t = (struct test_rule){.match = hal_cmatch_new(&m)};
	t->rule = (struct hal_rule){.ufid = {{ufid, ~ufid}}, .match = t->match, .priority = 1};
}

void rule_program(struct test_rule *t, struct hal_builder *b)
{
	free(t->program);
	t->program = hal_builder_finish(b);
	CU_ASSERT_PTR_NOT_NULL_FATAL(t->program);
	t->rule.program = t->program;
}

void rule_output(struct test_rule *t, uint32_t port)
{
	struct hal_builder b;

	hal_builder_init(&b);
	if (port)
		hal_build_output(&b, port);
	rule_program(t, &b);
}

void rule_free(struct test_rule *t)
{
	free(t->match);
	free(t->program);
	memset(t, 0, sizeof(*t));
}

int run_op(void *dev, enum hal_op_type type, const struct test_rule *t, struct hal_completion *c)
{
	struct hal_op op = {.type = type, .token = t->rule.ufid.u[0] ^ 0xabcdef, .rule = t->rule};
	struct hal_completion done;
	uint64_t deadline = now_ms() + 3000;

	if (!c)
		c = &done;
	memset(c, 0, sizeof(*c));
	if (sim_driver.submit(dev, &op, 1) != 1) {
		c->reason = op.reason;
		return -op.reason.error;
	}
	while (now_ms() < deadline) {
		int n = sim_driver.poll(dev, c, 1);

		if (n == 1) {
			CU_ASSERT_EQUAL(c->token, op.token);
			return c->error;
		}
		doze(1);
	}
	return 1;
}

void rule_add(void *dev, struct test_rule *t, struct hal_builder *b)
{
	struct hal_completion c;
	struct hal_reason r = {0};

	rule_program(t, b);
	if (sim_driver.check(dev, &t->rule, &r)) {
		fprintf(stderr, "check: %s\n", r.text);
		CU_FAIL("the driver refuses the rule");
	}
	if (run_op(dev, HAL_OP_ADD, t, &c)) {
		fprintf(stderr, "add: %s\n", c.reason.text);
		CU_FAIL("the device refuses the rule");
	}
}

void rule_drop(void *dev, struct test_rule *t, uint64_t packets)
{
	struct hal_completion c;

	CU_ASSERT_EQUAL(run_op(dev, HAL_OP_DEL, t, &c), 0);
	if (c.final.packets != packets)
		fprintf(stderr, "counted %lu packets, not %lu\n", c.final.packets, packets);
	CU_ASSERT_EQUAL(c.final.packets, packets);
	rule_free(t);
}

void build_number(struct hal_builder *b, enum hal_action_type type, uint32_t number)
{
	struct hal_act_recirc *step = hal_builder_add(b, type, sizeof(*step));

	step->id = number;
}

void build_set(struct hal_builder *b, enum hal_field_id id, uint64_t value)
{
	uint8_t v[16] = {0}, m[16];
	unsigned n = hal_field_bytes(id), top = hal_fields[id].bits % 8;

	memset(m, 0xff, sizeof(m));
	if (top)
		m[0] = (uint8_t)((1u << top) - 1);
	for (unsigned i = 0; i < n && i < 8; i++)
		v[n - 1 - i] = (uint8_t)(value >> 8 * i);
	hal_build_set(b, id, v, m);
}

int object_set(void *dev, enum hal_object_type type, uint32_t id, const void *arg, size_t len,
	struct hal_reason *r)
{
	const struct hal_object obj = {type, id, (uint32_t)len, arg};
	struct hal_reason mine;

	return sim_driver.object_set(dev, &obj, r ? r : &mine);
}

/* ---- packets ---- */

void wire_send(unsigned wire, const void *frame, size_t len)
{
	struct virtio_net_hdr none = {0};
	struct iovec iov[2] = {{&none, sizeof(none)}, {(void *)frame, len}};
	const struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};

	CU_ASSERT_EQUAL(sendmsg(fx.wire[wire], &msg, 0), (ssize_t)(len + sizeof(none)));
}

void wire_send_partial(const uint8_t *frame, size_t len, size_t l4, bool tcp, uint16_t gso)
{
	struct virtio_net_hdr v = {.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.csum_start = (uint16_t)l4,
		.csum_offset = tcp ? 16 : 6,
		.hdr_len = (uint16_t)(l4 + (tcp ? 20 : 8)),
		.gso_size = gso,
		.gso_type = gso ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_NONE};
	struct iovec iov[2] = {{&v, sizeof(v)}, {(void *)frame, len}};
	const struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};

	CU_ASSERT_EQUAL(sendmsg(fx.wire[1], &msg, 0), (ssize_t)(len + sizeof(v)));
}

size_t wire_recv(unsigned wire, void *frame, size_t room, unsigned ms)
{
	struct pollfd pfd = {.fd = fx.wire[wire], .events = POLLIN};
	union {
		char buf[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
		struct cmsghdr align;
	} control;
	struct virtio_net_hdr vnet;
	struct iovec iov[2] = {{&vnet, sizeof(vnet)}, {frame, room - 4}};
	struct msghdr msg = {.msg_iov = iov,
		.msg_iovlen = 2,
		.msg_control = &control,
		.msg_controllen = sizeof(control)};
	struct tpacket_auxdata aux;
	uint8_t *f = frame;
	ssize_t n;

	if (poll(&pfd, 1, (int)ms) <= 0)
		return 0;
	n = recvmsg(fx.wire[wire], &msg, 0) - (ssize_t)sizeof(vnet);
	if (n <= 0)
		return 0;
	memcpy(&aux, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(aux));
	if (aux.tp_status & TP_STATUS_VLAN_VALID) {
		uint16_t tag[2] = {htons(aux.tp_vlan_tpid), htons(aux.tp_vlan_tci)};

		memmove(f + 16, f + 12, (size_t)n - 12);
		memcpy(f + 12, tag, 4);
		n += 4;
	}
	return (size_t)n;
}

size_t device_recv(void *dev, void *frame, size_t room, struct hal_rx_meta *meta, unsigned ms)
{
	struct pollfd pfd = {.fd = sim_driver.rx_fd(dev), .events = POLLIN};
	uint64_t deadline = now_ms() + ms;
	struct rte_mbuf *m;
	size_t len = 0;

	do {
		if (sim_driver.port_rx(dev, &m, meta, 1) == 1) {
			len = m->pkt_len < room ? m->pkt_len : room;
			memcpy(frame, rte_pktmbuf_read(m, 0, (uint32_t)len, frame), len);
			rte_pktmbuf_free(m);
			break;
		}
		poll(&pfd, 1, 10);
	} while (now_ms() < deadline);
	return len;
}

void device_send(void *dev, uint32_t port, const void *frame, size_t len)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(fx.pool);

	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	memcpy(rte_pktmbuf_append(m, (uint16_t)len), frame, len);
	CU_ASSERT_EQUAL(sim_driver.port_tx(dev, port, &m, 1), 1);
}
