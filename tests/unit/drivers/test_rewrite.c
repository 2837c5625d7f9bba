/* SPDX-License-Identifier: Apache-2.0
 *
 * Actions and their checksums, whole and partial, and super-frames.
 */
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <linux/virtio_net.h>
#include <rte_mbuf.h>

#include "fixture.h"
#include "frame.h"

static void *dev;
static struct test_rule rule;

static void start(void)
{
	dev = device_open("nic", NULL);
	device_bind_all(dev);
}

static void stop(void)
{
	device_close(dev, "nic");
}

/* Everything that comes in by port 1 gets this program. */
static void install(struct hal_builder *b)
{
	rule_make(&rule, 100, 1, "");
	rule_program(&rule, b);
	CU_ASSERT_EQUAL(run_op(dev, HAL_OP_ADD, &rule, NULL), 0);
}

static void uninstall(void)
{
	CU_ASSERT_EQUAL(run_op(dev, HAL_OP_DEL, &rule, NULL), 0);
	rule_free(&rule);
}

/* Rewrites addresses, ports, TOS and TTL of each kind of frame. */
static void rewrite_one(bool ip6, bool tcp)
{
	uint8_t sent[200], got[200];
	size_t len = frame_make(sent, ip6, tcp, 51, false), l3 = 14, l4 = ip6 ? 54 : 34;
	struct hal_builder b;

	hal_builder_init(&b);
	build_set(&b, ip6 ? FIELD_IPV6_SRC : FIELD_IPV4_SRC, 0xc0a80001);
	build_set(&b, ip6 ? FIELD_IPV6_DST : FIELD_IPV4_DST, 0x01020304);
	build_set(&b, tcp ? FIELD_TCP_SRC : FIELD_UDP_SRC, 0xfedc);
	build_set(&b, tcp ? FIELD_TCP_DST : FIELD_UDP_DST, 53);
	build_set(&b, FIELD_IP_DSCP, 46);
	build_set(&b, FIELD_IP_ECN, 1);
	hal_build_plain(&b, ACTION_DEC_TTL);
	hal_build_output(&b, 2);
	install(&b);
	wire_send(1, sent, len);
	CU_ASSERT_EQUAL_FATAL(wire_recv(2, got, sizeof(got), 1000), len);
	CU_ASSERT(frame_sums_ok(got, len));
	CU_ASSERT_EQUAL(got[l3 + (ip6 ? 7 : 8)], 63);
	if (ip6)
		CU_ASSERT_EQUAL((got[l3] & 15) << 4 | got[l3 + 1] >> 4, 46 << 2 | 1);
	if (!ip6)
		CU_ASSERT_EQUAL(got[l3 + 1], 46 << 2 | 1);
	CU_ASSERT_EQUAL(got[l4] << 8 | got[l4 + 1], 0xfedc);
	CU_ASSERT_EQUAL(got[l4 + 3], 53);
	CU_ASSERT_EQUAL(memcmp(got + l4 - 4, "\x01\x02\x03\x04", 4), 0);
	uninstall();
}

static void rewrites(void)
{
	rewrite_one(false, false);
	rewrite_one(false, true);
	rewrite_one(true, false);
	rewrite_one(true, true);
}

static void masked_set(void)
{
	const uint8_t mac[6] = {0, 0, 0, 0xaa, 0, 0x0f}, mask[6] = {0, 0, 0, 0xff, 0, 0x0f};
	uint8_t sent[200], got[200];
	size_t len = frame_make(sent, false, false, 50, false);
	struct hal_builder b;

	hal_builder_init(&b);
	hal_build_set(&b, FIELD_ETH_SRC, mac, mask);
	hal_build_output(&b, 2);
	install(&b);
	wire_send(1, sent, len);
	CU_ASSERT_EQUAL_FATAL(wire_recv(2, got, sizeof(got), 1000), len);
	CU_ASSERT_EQUAL(memcmp(got + 6, "\x02\x00\x00\xaa\x00\x0f", 6), 0);
	uninstall();
}

/* Each output gets the frame as it is at that step. */
static void vlan_and_copies(void)
{
	uint8_t sent[200], got[200];
	size_t len = frame_make(sent, false, false, 50, false);
	struct hal_builder b;

	hal_builder_init(&b);
	hal_build_output(&b, 3);
	hal_build_push_vlan(&b, RTE_BE16(0x88a8), RTE_BE16(100));
	hal_build_push_vlan(&b, RTE_BE16(0x8100), RTE_BE16(0x6005));
	hal_build_output(&b, 2);
	hal_build_plain(&b, ACTION_POP_VLAN);
	build_set(&b, FIELD_VLAN_VID, 0x1000 | 7);
	build_set(&b, FIELD_VLAN_PCP, 2);
	hal_build_output(&b, 2);
	hal_build_plain(&b, ACTION_POP_VLAN);
	hal_build_output(&b, 2);
	install(&b);
	wire_send(1, sent, len);
	CU_ASSERT_EQUAL_FATAL(wire_recv(3, got, sizeof(got), 1000), len);
	CU_ASSERT_EQUAL(memcmp(sent, got, len), 0);
	CU_ASSERT_EQUAL_FATAL(wire_recv(2, got, sizeof(got), 1000), len + 8);
	CU_ASSERT_EQUAL(memcmp(got + 12, "\x81\x00\x60\x05\x88\xa8\x00\x64\x08\x00", 10), 0);
	CU_ASSERT_EQUAL_FATAL(wire_recv(2, got, sizeof(got), 1000), len + 4);
	CU_ASSERT_EQUAL(memcmp(got + 12, "\x88\xa8\x40\x07\x08\x00", 6), 0);
	CU_ASSERT_EQUAL_FATAL(wire_recv(2, got, sizeof(got), 1000), len);
	CU_ASSERT_EQUAL(memcmp(sent, got, len), 0);
	uninstall();
}

/* ---- partial checksums ---- */

/* Receives with the virtio header, and does what the receiver's device would: finishes the
 * checksum. */
static size_t recv_partial(uint8_t *frame, size_t room, struct virtio_net_hdr *v)
{
	struct iovec iov[2] = {{v, sizeof(*v)}, {frame, room}};
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};
	struct timeval limit = {.tv_sec = 1};
	ssize_t n;

	setsockopt(fx.wire[2], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	n = recvmsg(fx.wire[2], &msg, 0) - (ssize_t)sizeof(*v);
	if (n <= 0)
		return 0;
	if (v->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) {
		uint32_t sum = 0;

		for (size_t i = v->csum_start; i < (size_t)n; i++)
			sum += (i - v->csum_start) & 1 ? frame[i] : (uint32_t)frame[i] << 8;
		while (sum >> 16)
			sum = (sum & 0xffff) + (sum >> 16);
		frame[v->csum_start + v->csum_offset] = (uint8_t)(~sum >> 8);
		frame[v->csum_start + v->csum_offset + 1] = (uint8_t)~sum;
	}
	return (size_t)n;
}

static void partial_one(bool ip6, bool tcp, uint16_t gso)
{
	static uint8_t sent[66000], got[66000];
	size_t len = frame_make(sent, ip6, tcp, gso ? 30000 : 333, true), l4 = ip6 ? 54 : 34;
	struct virtio_net_hdr v;
	struct hal_builder b;

	hal_builder_init(&b);
	build_set(&b, ip6 ? FIELD_IPV6_SRC : FIELD_IPV4_SRC, 0xc0a8fffe);
	build_set(&b, tcp ? FIELD_TCP_DST : FIELD_UDP_DST, 443);
	hal_build_push_vlan(&b, RTE_BE16(0x8100), RTE_BE16(5));
	hal_build_plain(&b, ACTION_POP_VLAN);
	hal_build_output(&b, 2);
	install(&b);
	wire_send_partial(sent, len, l4, tcp, gso);
	CU_ASSERT_EQUAL_FATAL(recv_partial(got, sizeof(got), &v), len);
	CU_ASSERT(frame_sums_ok(got, len));
	CU_ASSERT_EQUAL(v.gso_size, gso);
	CU_ASSERT_EQUAL(got[l4 + 2] << 8 | got[l4 + 3], 443);
	uninstall();
}

static void partial_checksums(void)
{
	partial_one(false, false, 0);
	partial_one(false, true, 0);
	partial_one(true, false, 0);
	partial_one(true, true, 0);
}

static void super_frames(void)
{
	partial_one(false, true, 1448);
}

static void super_frame_goes_up(void)
{
	static uint8_t sent[66000], got[66000];
	size_t len = frame_make(sent, false, true, 30000, true);
	struct hal_rx_meta meta;
	struct rte_mbuf *m = NULL;
	uint64_t deadline = now_ms() + 1000;

	wire_send_partial(sent, len, 34, true, 1448);
	while (!sim_driver.port_rx(dev, &m, &meta, 1) && now_ms() < deadline)
		doze(1);
	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	CU_ASSERT_EQUAL(m->pkt_len, len);
	CU_ASSERT_EQUAL(m->tso_segsz, 1448);
	CU_ASSERT((m->ol_flags & RTE_MBUF_F_TX_TCP_SEG) != 0);
	CU_ASSERT_EQUAL(m->ol_flags & RTE_MBUF_F_TX_L4_MASK, RTE_MBUF_F_TX_TCP_CKSUM);
	CU_ASSERT_EQUAL(memcmp(rte_pktmbuf_read(m, 0, m->pkt_len, got), sent, len), 0);
	/* And down again, whole, out of another port. */
	CU_ASSERT_EQUAL(sim_driver.port_tx(dev, 2, &m, 1), 1);
	struct virtio_net_hdr v;
	CU_ASSERT_EQUAL_FATAL(recv_partial(got, sizeof(got), &v), len);
	CU_ASSERT(frame_sums_ok(got, len));
	CU_ASSERT_EQUAL(v.gso_size, 1448);
}

void rewrite_suite(void)
{
	CU_pSuite s = CU_add_suite("rewrite", NULL, NULL);

	CU_add_test(s, "it starts", start);
	CU_add_test(s, "headers and their checksums", rewrites);
	CU_add_test(s, "a masked set", masked_set);
	CU_add_test(s, "VLAN tags, and copies on the way", vlan_and_copies);
	CU_add_test(s, "partial checksums", partial_checksums);
	CU_add_test(s, "super-frames stay whole", super_frames);
	CU_add_test(s, "a super-frame goes up and down", super_frame_goes_up);
	CU_add_test(s, "it ends", stop);
}
