/* SPDX-License-Identifier: Apache-2.0
 *
 * Header edits against bytes and checksums worked out from scratch.
 */
#include <netinet/in.h>
#include <string.h>

#include "hal/field.h"
#include "swpath/checksum.h"
#include "swpath/packet.h"
#include "subject.h"

/* Fields that each kind of frame has (tagged frames have the VLAN ones too). */
static bool has_field(enum frame_kind kind, enum hal_field_id id)
{
	bool v4 = kind <= FRAME_ICMP4, v6 = kind >= FRAME_TCP6 && kind <= FRAME_NA;

	switch (id) {
	case FIELD_ETH_SRC:
	case FIELD_ETH_DST:
	case FIELD_VLAN_VID:
	case FIELD_VLAN_PCP:
		return true;
	case FIELD_IPV4_SRC:
	case FIELD_IPV4_DST:
		return v4;
	case FIELD_IPV6_SRC:
	case FIELD_IPV6_DST:
	case FIELD_IPV6_FLABEL:
		return v6;
	case FIELD_IP_DSCP:
	case FIELD_IP_ECN:
	case FIELD_IP_TTL:
		return v4 || v6;
	case FIELD_TCP_SRC:
	case FIELD_TCP_DST:
		return kind == FRAME_TCP4 || kind == FRAME_TCP6;
	case FIELD_UDP_SRC:
	case FIELD_UDP_DST:
		return kind == FRAME_UDP4 || kind == FRAME_UDP6;
	case FIELD_SCTP_SRC:
	case FIELD_SCTP_DST:
		return kind == FRAME_SCTP4 || kind == FRAME_SCTP6;
	case FIELD_ICMPV4_TYPE:
	case FIELD_ICMPV4_CODE:
		return kind == FRAME_ICMP4;
	case FIELD_ICMPV6_CODE:
		return kind == FRAME_ICMP6;
	case FIELD_ND_TARGET:
		return kind == FRAME_NS || kind == FRAME_NA;
	case FIELD_ND_SLL:
		return kind == FRAME_NS;
	case FIELD_ND_TLL:
		return kind == FRAME_NA;
	case FIELD_ARP_OP:
	case FIELD_ARP_SPA:
	case FIELD_ARP_TPA:
	case FIELD_ARP_SHA:
	case FIELD_ARP_THA:
		return kind == FRAME_ARP;
	case FIELD_MPLS_LABEL:
	case FIELD_MPLS_TC:
	case FIELD_MPLS_TTL:
		return kind == FRAME_MPLS;
	default:
		return false;
	}
}

static void random_value(enum hal_field_id id, uint8_t *value, uint8_t *mask)
{
	unsigned n = hal_field_bytes(id);

	for (unsigned i = 0; i < n; i++) {
		value[i] = (uint8_t)test_rand();
		mask[i] = test_rand() % 2 ? 0xff : (uint8_t)test_rand();
	}
	if (hal_fields[id].bits % 8)
		mask[0] &= (uint8_t)(0xff >> (8 - hal_fields[id].bits % 8));
	if (id == FIELD_VLAN_VID)
		mask[0] |= 0x10, value[0] |= 0x10; /* the tag stays */
}

/* One field written into one frame: the field has the new bits, no other field changed, checksums
 * are right. */
static void check_set(const struct frame *f, enum hal_field_id id, size_t seg)
{
	uint8_t value[16] = {0}, mask[16] = {0};
	struct hal_key want, got = {0};
	struct swpath_layers ly;
	struct subject s;

	take(&s, test_mbuf(f, seg));
	want = s.key;
	random_value(id, value, mask);
	hal_field_set(id, &want, value, mask);
	CU_ASSERT_EQUAL(set(&s, id, value, mask), SWPATH_OK);
	swpath_packet_parse(s.p.m, &got, &ly);
	CU_ASSERT(!memcmp(&got, &want, sizeof(got)));
	swpath_packet_key(&s.p);
	CU_ASSERT(!memcmp(&s.key, &want, sizeof(want)));
	CU_ASSERT(checksums_right(s.p.m, f));
	CU_ASSERT_EQUAL(s.p.m->pkt_len, f->len);
	rte_pktmbuf_free(s.p.m);
}

static void every_field(void)
{
	unsigned done = 0;

	for (unsigned kind = 0; kind < FRAME_KINDS; kind++)
		for (unsigned id = 0; id < FIELD_MAX; id++) {
			if (!has_field(kind, id))
				continue;
			for (unsigned round = 0; round < 40; round++, done++) {
				unsigned tags = 1 + round % 2;
				struct frame f;

				frame_make(&f, kind, tags, test_rand() % 200);
				check_set(&f, id, round % 4 ? 0 : 1 + test_rand() % 60);
			}
		}
	CU_ASSERT(done > 2000);
}

static void exact_bytes(void)
{
	struct frame f, want;
	struct subject s;

	frame_make(&f, FRAME_UDP4, 1, 30);
	take(&s, test_mbuf(&f, 0));
	CU_ASSERT_EQUAL(set(&s, FIELD_IPV4_DST, "\xc0\xa8\x01\x02", NULL), SWPATH_OK);
	CU_ASSERT_EQUAL(set(&s, FIELD_UDP_SRC, "\x12\x34", NULL), SWPATH_OK);
	CU_ASSERT_EQUAL(set(&s, FIELD_IP_DSCP, "\x2e", NULL), SWPATH_OK);
	CU_ASSERT_EQUAL(set(&s, FIELD_VLAN_VID, "\x10\x07", NULL), SWPATH_OK);
	want = f;
	memcpy(want.b + want.l3 + 16, "\xc0\xa8\x01\x02", 4);
	memcpy(want.b + want.l4, "\x12\x34", 2);
	want.b[want.l3 + 1] = 0x2e << 2 | (0x2b & 3);
	want.b[15] = 7;
	want.b[14] = 0x60;
	frame_checksums(&want);
	CU_ASSERT(test_same_bytes(s.p.m, want.b, want.len));
	rte_pktmbuf_free(s.p.m);
}

static void tos_keeps_ecn(void)
{
	struct subject s;
	struct frame f;

	frame_make(&f, FRAME_TCP6, 0, 0);
	take(&s, test_mbuf(&f, 0));
	CU_ASSERT_EQUAL(set(&s, FIELD_NW_TOS, "\xfc", NULL), SWPATH_OK);
	swpath_packet_key(&s.p);
	CU_ASSERT_EQUAL(s.key.ip_tos, 0xfc | (0x2b & 3));
	CU_ASSERT_EQUAL(s.key.ipv6_flabel, rte_cpu_to_be_32(0x12345));
	rte_pktmbuf_free(s.p.m);
}

static void udp_without_checksum(void)
{
	struct subject s;
	struct frame f;

	frame_make(&f, FRAME_UDP4, 0, 10);
	memset(f.b + f.l4 + 6, 0, 2);
	take(&s, test_mbuf(&f, 0));
	CU_ASSERT_EQUAL(set(&s, FIELD_IPV4_SRC, "\1\2\3\4", NULL), SWPATH_OK);
	CU_ASSERT_EQUAL(set(&s, FIELD_UDP_DST, "\1\2", NULL), SWPATH_OK);
	CU_ASSERT(!memcmp(rte_pktmbuf_mtod_offset(s.p.m, uint8_t *, f.l4 + 6), "\0\0", 2));
	CU_ASSERT(checksums_right(s.p.m, &f));
	rte_pktmbuf_free(s.p.m);
}

/* Some port makes the sum 0, which UDP writes as 0xffff. */
static void udp_checksum_of_zero(void)
{
	unsigned seen = 0;
	struct frame f;

	frame_make(&f, FRAME_UDP4, 0, 10);
	for (unsigned port = 0; port < 65536; port++) {
		uint8_t value[2] = {(uint8_t)(port >> 8), (uint8_t)port}, field[2];
		struct subject s;

		take(&s, test_mbuf(&f, 0));
		set(&s, FIELD_UDP_SRC, value, NULL);
		memcpy(field, rte_pktmbuf_mtod_offset(s.p.m, uint8_t *, f.l4 + 6), 2);
		CU_ASSERT_FALSE_FATAL(!field[0] && !field[1]);
		if (field[0] == 0xff && field[1] == 0xff) {
			seen++;
			CU_ASSERT(checksums_right(s.p.m, &f));
		}
		rte_pktmbuf_free(s.p.m);
	}
	CU_ASSERT(seen > 0);
}

static void wrong_checksum_stays_wrong(void)
{
	static const struct {
		enum frame_kind kind;
		enum hal_field_id id;
		unsigned at;
	} t[] = {{FRAME_TCP4, FIELD_TCP_SRC, 16}, {FRAME_SCTP6, FIELD_SCTP_SRC, 8},
		{FRAME_ICMP4, FIELD_ICMPV4_CODE, 2}};

	for (unsigned i = 0; i < RTE_DIM(t); i++) {
		struct subject s;
		struct frame f;

		frame_make(&f, t[i].kind, 0, 20);
		f.b[f.l4 + t[i].at] ^= 0x40;
		take(&s, test_mbuf(&f, 0));
		CU_ASSERT_EQUAL(set(&s, t[i].id, "\x7\x7", NULL), SWPATH_OK);
		CU_ASSERT_FALSE(checksums_right(s.p.m, &f));
		rte_pktmbuf_free(s.p.m);
	}
}

static uint16_t partial_sum(const struct frame *f)
{
	const uint8_t *addr = f->b + f->l3 + (f->v6 ? 8 : 12);
	uint32_t sum = f->proto + (uint32_t)(f->len - f->l4);

	for (unsigned i = 0; i < (f->v6 ? 32u : 8u); i += 2)
		sum += (uint32_t)addr[i] << 8 | addr[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static void put_partial(struct frame *f)
{
	unsigned at = f->proto == IPPROTO_TCP ? 16 : 6;
	uint16_t sum = partial_sum(f);

	f->b[f->l4 + at] = (uint8_t)(sum >> 8);
	f->b[f->l4 + at + 1] = (uint8_t)sum;
}

static void partial_checksums(void)
{
	static const struct {
		enum frame_kind kind;
		enum hal_field_id addr, port;
		uint64_t flag;
	} t[] = {{FRAME_TCP4, FIELD_IPV4_SRC, FIELD_TCP_DST, RTE_MBUF_F_TX_TCP_CKSUM},
		{FRAME_UDP4, FIELD_IPV4_DST, FIELD_UDP_DST, RTE_MBUF_F_TX_UDP_CKSUM},
		{FRAME_TCP6, FIELD_IPV6_SRC, FIELD_TCP_DST, RTE_MBUF_F_TX_TCP_CKSUM},
		{FRAME_UDP6, FIELD_IPV6_DST, FIELD_UDP_DST, RTE_MBUF_F_TX_UDP_CKSUM}};

	for (unsigned i = 0; i < RTE_DIM(t); i++) {
		uint8_t addr[16] = {9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 1, 2, 3, 4, 5, 6};
		struct frame f, want;
		struct subject s;

		frame_make(&f, t[i].kind, 0, 50);
		put_partial(&f);
		take(&s, test_mbuf(&f, 0));
		s.p.m->ol_flags |= t[i].flag;
		CU_ASSERT_EQUAL(set(&s, t[i].addr, addr, NULL), SWPATH_OK);
		CU_ASSERT_EQUAL(set(&s, t[i].port, "\x99\x88", NULL), SWPATH_OK);
		want = f;
		memcpy(want.b, rte_pktmbuf_mtod(s.p.m, void *), f.len);
		put_partial(&want);
		CU_ASSERT(test_same_bytes(s.p.m, want.b, want.len));
		rte_pktmbuf_free(s.p.m);
	}
}

static void later_fragments(void)
{
	struct frame f, want;
	struct subject s;

	frame_macs(&f);
	frame_type(&f, 0x0800);
	frame_ipv4(&f, IPPROTO_TCP, 0x2005, 0);
	frame_bytes(&f, 40);
	frame_finish(&f);
	want = f;
	f.l4 = want.l4 = 0;
	take(&s, test_mbuf(&f, 0));
	CU_ASSERT_EQUAL(set(&s, FIELD_TCP_DST, "\1\2", NULL), SWPATH_OK);
	CU_ASSERT(test_same_bytes(s.p.m, f.b, f.len));
	CU_ASSERT_EQUAL(set(&s, FIELD_IPV4_SRC, "\1\2\3\4", NULL), SWPATH_OK);
	memcpy(want.b + want.l3 + 12, "\1\2\3\4", 4);
	frame_checksums(&want);
	CU_ASSERT(test_same_bytes(s.p.m, want.b, want.len));
	rte_pktmbuf_free(s.p.m);
}

/* With a source route still to go, the destination in the header is not the one that was summed. */
static void source_route(void)
{
	struct frame f, want;
	struct subject s;

	frame_macs(&f);
	frame_type(&f, 0x86dd);
	frame_ipv6(&f, IPPROTO_ROUTING);
	frame_exthdr(&f, IPPROTO_UDP, 1);
	frame_udp(&f, 1, 2);
	frame_finish(&f);
	want = f;
	take(&s, test_mbuf(&f, 0));
	CU_ASSERT_EQUAL(set(&s, FIELD_IPV6_DST, "0123456789abcdef", NULL), SWPATH_OK);
	memcpy(want.b + want.l3 + 24, "0123456789abcdef", 16);
	CU_ASSERT(test_same_bytes(s.p.m, want.b, want.len));
	rte_pktmbuf_free(s.p.m);
}

static void missing_headers(void)
{
	struct subject s;
	struct frame f;

	frame_make(&f, FRAME_ARP, 0, 0);
	take(&s, test_mbuf(&f, 0));
	CU_ASSERT_EQUAL(set(&s, FIELD_IPV4_SRC, "\1\2\3\4", NULL), SWPATH_DROP_HEADER);
	CU_ASSERT_EQUAL(set(&s, FIELD_VLAN_VID, "\x10\7", NULL), SWPATH_DROP_HEADER);
	CU_ASSERT_EQUAL(set(&s, FIELD_MPLS_TC, "\7", NULL), SWPATH_DROP_HEADER);
	CU_ASSERT_EQUAL(
		set(&s, FIELD_TUNNEL_ID, "\0\0\0\0\0\0\0\1", NULL), SWPATH_DROP_UNSUPPORTED);
	CU_ASSERT_EQUAL(swpath_dec_ttl(&s.p), SWPATH_DROP_HEADER);
	CU_ASSERT_EQUAL(swpath_pop_vlan(&s.p), SWPATH_DROP_HEADER);
	CU_ASSERT(test_same_bytes(s.p.m, f.b, f.len));
	CU_ASSERT_EQUAL(set(&s, FIELD_PKT_MARK, "\0\0\1\2", NULL), SWPATH_OK);
	CU_ASSERT_EQUAL(s.key.pkt_mark, rte_cpu_to_be_32(0x102));
	rte_pktmbuf_free(s.p.m);
}

/* `split`: the header goes on in another segment behind the TTL. */
static void ttl_of(bool split)
{
	for (unsigned kind = FRAME_TCP4; kind <= FRAME_TCP6; kind += FRAME_TCP6 - FRAME_TCP4) {
		struct subject s;
		struct frame f;

		frame_make(&f, kind, 0, 4);
		f.b[f.l3 + (kind == FRAME_TCP4 ? 8 : 7)] = 3;
		frame_checksums(&f);
		take(&s, test_mbuf(&f, split ? f.l3 + 10 : 0));
		CU_ASSERT_EQUAL(swpath_dec_ttl(&s.p), SWPATH_OK);
		CU_ASSERT_EQUAL(swpath_dec_ttl(&s.p), SWPATH_OK);
		CU_ASSERT(checksums_right(s.p.m, &f));
		CU_ASSERT_EQUAL(swpath_dec_ttl(&s.p), SWPATH_DROP_TTL);
		swpath_packet_key(&s.p);
		CU_ASSERT_EQUAL(s.key.ip_ttl, 1);
		rte_pktmbuf_free(s.p.m);
	}
}

static void ttl(void)
{
	ttl_of(false);
	ttl_of(true);
}

static void vlan_tags(void)
{
	struct hal_act_vlan push = {.a = {ACTION_PUSH_VLAN, sizeof(push), 0},
		.tpid = RTE_BE16(0x88a8),
		.tci = RTE_BE16(0x2000 | 0x1000 | 55)};
	struct frame f, want;
	struct subject s;

	frame_make(&f, FRAME_TCP4, 1, 20);
	take(&s, test_mbuf(&f, 0));
	CU_ASSERT_EQUAL(swpath_push_vlan(&s.p, &push), SWPATH_OK);
	memcpy(want.b, f.b, 12);
	memcpy(want.b + 12, "\x88\xa8\x20\x37", 4);
	memcpy(want.b + 16, f.b + 12, f.len - 12);
	CU_ASSERT(test_same_bytes(s.p.m, want.b, f.len + 4));
	CU_ASSERT_EQUAL(set(&s, FIELD_TCP_DST, "\1\2", NULL), SWPATH_OK); /* headers moved */
	CU_ASSERT_EQUAL(swpath_pop_vlan(&s.p), SWPATH_OK);
	CU_ASSERT(checksums_right(s.p.m, &f));
	swpath_packet_key(&s.p);
	CU_ASSERT_EQUAL(s.key.vlan[0].tpid, RTE_BE16(0x8100));
	CU_ASSERT_EQUAL(s.key.tp_dst, RTE_BE16(0x102));
	CU_ASSERT_EQUAL(swpath_pop_vlan(&s.p), SWPATH_OK);
	CU_ASSERT_EQUAL(s.p.m->pkt_len, f.len - 4);
	CU_ASSERT_EQUAL(swpath_pop_vlan(&s.p), SWPATH_DROP_HEADER);
	rte_pktmbuf_free(s.p.m);
}

/* What is known of the headers after a tag came or went is what a parser finds. True if it was
 * known. */
static bool layers_right(struct subject *s)
{
	struct swpath_layers ly;
	struct hal_key key;

	memset(&key, 0, sizeof(key));
	memset(&ly, 0, sizeof(ly));
	swpath_packet_parse(s->p.m, &key, &ly);
	CU_ASSERT(s->p.layers_stale || !memcmp(&ly, &s->p.ly, sizeof(ly)));
	return !s->p.layers_stale;
}

static void layers_behind_tags(void)
{
	struct hal_act_vlan push = {.a = {ACTION_PUSH_VLAN, sizeof(push), 0},
		.tpid = RTE_BE16(0x8100),
		.tci = RTE_BE16(0x1005)};
	unsigned known = 0;

	for (unsigned i = 0; i < FRAME_KINDS * 3; i++) {
		struct subject s;
		struct frame f;

		frame_make(&f, (enum frame_kind)(i % FRAME_KINDS), i / FRAME_KINDS, 20);
		take(&s, test_mbuf(&f, 0));
		for (unsigned j = 0; j < 3; j++) {
			CU_ASSERT_EQUAL(swpath_push_vlan(&s.p, &push), SWPATH_OK);
			known += layers_right(&s);
		}
		for (unsigned j = 0; j < 3; j++) {
			CU_ASSERT_EQUAL(swpath_pop_vlan(&s.p), SWPATH_OK);
			known += layers_right(&s);
		}
		rte_pktmbuf_free(s.p.m);
	}
	CU_ASSERT(known > FRAME_KINDS * 3);
}

static void mpls_labels(void)
{
	struct hal_act_mpls push = {.a = {ACTION_PUSH_MPLS, sizeof(push), 0},
		.eth_type = RTE_BE16(0x8847),
		.lse = RTE_BE32(0x00010140)};
	struct hal_act_mpls pop = {
		.a = {ACTION_POP_MPLS, sizeof(pop), 0}, .eth_type = RTE_BE16(0x0800)};
	struct frame f;
	struct subject s;
	uint8_t *data;

	frame_make(&f, FRAME_TCP4, 1, 20);
	take(&s, test_mbuf(&f, 0));
	CU_ASSERT_EQUAL(swpath_push_mpls(&s.p, &push), SWPATH_OK);
	data = rte_pktmbuf_mtod(s.p.m, uint8_t *);
	CU_ASSERT(!memcmp(data + 12, "\x81\x00\x60\x64\x88\x47\x00\x01\x01\x40\x45", 11));
	CU_ASSERT_EQUAL(set(&s, FIELD_IPV4_SRC, "\1\2\3\4", NULL), SWPATH_DROP_HEADER);
	CU_ASSERT_EQUAL(set(&s, FIELD_MPLS_LABEL, "\x0f\xff\xff", NULL), SWPATH_OK);
	CU_ASSERT_EQUAL(swpath_pop_mpls(&s.p, &pop), SWPATH_OK);
	CU_ASSERT(test_same_bytes(s.p.m, f.b, f.len));
	CU_ASSERT_EQUAL(swpath_pop_mpls(&s.p, &pop), SWPATH_DROP_HEADER);
	CU_ASSERT_EQUAL(set(&s, FIELD_IPV4_SRC, "\1\2\3\4", NULL), SWPATH_OK);
	CU_ASSERT(checksums_right(s.p.m, &f));
	rte_pktmbuf_free(s.p.m);
}

/* A clone and the original share their data until one of them is edited. */
static void shared_data(void)
{
	for (unsigned who = 0; who < 2; who++) {
		struct rte_mbuf *m, *clone;
		struct subject s;
		struct frame f;

		frame_make(&f, FRAME_TCP4, 1, 20);
		m = test_mbuf(&f, 40);
		clone = rte_pktmbuf_clone(m, test_pool());
		take(&s, who ? m : clone);
		CU_ASSERT_EQUAL(
			set(&s, FIELD_ETH_DST, "\xaa\xbb\xcc\xdd\xee\xff", NULL), SWPATH_OK);
		CU_ASSERT_EQUAL(set(&s, FIELD_TCP_SRC, "\1\1", NULL), SWPATH_OK);
		CU_ASSERT_EQUAL(swpath_pop_vlan(&s.p), SWPATH_OK);
		CU_ASSERT(test_same_bytes(who ? clone : m, f.b, f.len));
		rte_pktmbuf_free(who ? clone : m);
		rte_pktmbuf_free(s.p.m);
	}
}

static void cutting(void)
{
	for (unsigned len = 1; len < 200; len += 13)
		for (unsigned seg = 0; seg < 80; seg += 20) {
			struct rte_mbuf *m, *clone;
			struct frame f;

			frame_make(&f, FRAME_UDP4, 0, 100);
			m = test_mbuf(&f, seg);
			clone = rte_pktmbuf_clone(m, test_pool());
			swpath_mbuf_cut(clone, len);
			rte_mbuf_sanity_check(clone, 1);
			CU_ASSERT(test_same_bytes(clone, f.b, RTE_MIN((size_t)len, f.len)));
			CU_ASSERT(test_same_bytes(m, f.b, f.len));
			rte_pktmbuf_free(clone);
			rte_pktmbuf_free(m);
		}
}

void suite_edit(void)
{
	CU_pSuite s = CU_add_suite("edit", NULL, NULL);

	CU_add_test(s, "every field", every_field);
	CU_add_test(s, "exact bytes", exact_bytes);
	CU_add_test(s, "tos keeps ecn", tos_keeps_ecn);
	CU_add_test(s, "udp without checksum", udp_without_checksum);
	CU_add_test(s, "udp checksum of zero", udp_checksum_of_zero);
	CU_add_test(s, "a wrong checksum stays wrong", wrong_checksum_stays_wrong);
	CU_add_test(s, "partial checksums", partial_checksums);
	CU_add_test(s, "later fragments", later_fragments);
	CU_add_test(s, "source route", source_route);
	CU_add_test(s, "missing headers", missing_headers);
	CU_add_test(s, "ttl", ttl);
	CU_add_test(s, "vlan tags", vlan_tags);
	CU_add_test(s, "layers behind tags", layers_behind_tags);
	CU_add_test(s, "mpls labels", mpls_labels);
	CU_add_test(s, "shared data", shared_data);
	CU_add_test(s, "cutting", cutting);
}
