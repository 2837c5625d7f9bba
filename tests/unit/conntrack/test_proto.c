/* SPDX-License-Identifier: Apache-2.0
 *
 * UDP, ICMP, other protocols, errors that belong to them; zones, mark and label; bad packets.
 */
#include <arpa/inet.h>
#include <string.h>

#include "lab.h"

static const struct ends ab = {"10.0.0.1", "10.0.0.2", 1000, 53};
static const struct ends ba = {"10.0.0.2", "10.0.0.1", 53, 1000};
static const struct ends ab6 = {"2001:db8::1", "2001:db8::2", 1000, 53};
static const struct ends ba6 = {"2001:db8::2", "2001:db8::1", 53, 1000};

static void udp(const struct ends *there, const struct ends *back)
{
	const struct hal_act_ct act = lab_ct(1, HAL_CT_COMMIT), look = lab_ct(1, 0);
	struct frame f, r;
	struct lab l;

	lab_open(&l, 1000);
	lab_udp(&f, there, 20);
	lab_udp(&r, back, 20);
	CU_ASSERT_EQUAL(lab_pass(&l, &f, &look, NULL), NEW);
	CU_ASSERT_EQUAL(lab_pass(&l, &r, &look, NULL), NEW); /* nothing was committed */
	CU_ASSERT_EQUAL(conntrack_n_conns(l.ct), 0);
	CU_ASSERT_EQUAL(lab_pass(&l, &f, &act, NULL), NEW);
	CU_ASSERT_EQUAL(lab_pass(&l, &f, &look, NULL), NEW);
	CU_ASSERT_EQUAL(lab_pass(&l, &f, &look, NULL), NEW); /* unanswered */
	CU_ASSERT_EQUAL(l.established, 0);
	CU_ASSERT_EQUAL(lab_pass(&l, &r, &look, NULL), RPL);
	CU_ASSERT_EQUAL(l.established, 1);
	CU_ASSERT_EQUAL(lab_pass(&l, &f, &look, NULL), EST);
	CU_ASSERT_EQUAL(conntrack_n_conns(l.ct), 1);
	lab_close(&l);
}

static void test_udp(void)
{
	udp(&ab, &ba);
	udp(&ab6, &ba6);
}

static void echo(const struct ends *there, const struct ends *back)
{
	const struct hal_act_ct act = lab_ct(1, HAL_CT_COMMIT);
	struct outcome o;
	struct frame f, r, other;
	struct lab l;

	lab_open(&l, 1000);
	lab_echo(&f, there, 77, false, 56);
	lab_echo(&r, back, 77, true, 56);
	lab_echo(&other, back, 78, true, 56);
	CU_ASSERT_EQUAL(lab_pass(&l, &r, &act, NULL), INV); /* nobody asked */
	for (unsigned i = 0; i < 4; i++)
		CU_ASSERT_EQUAL(lab_pass(&l, &f, &act, &o), NEW);
	CU_ASSERT_EQUAL(o.key.ct_tp_src, htons(f.v6 ? 128 : 8));
	CU_ASSERT_EQUAL(o.key.ct_nw_proto, f.proto);
	CU_ASSERT_EQUAL(lab_pass(&l, &r, &act, &o), RPL);
	CU_ASSERT_EQUAL(o.key.ct_tp_src, htons(f.v6 ? 128 : 8)); /* the original direction's */
	CU_ASSERT_EQUAL(lab_pass(&l, &other, &act, NULL), INV);
	CU_ASSERT_EQUAL(lab_pass(&l, &f, &act, NULL), EST);
	lab_close(&l);
}

static void test_echo(void)
{
	echo(&ab, &ba);
	echo(&ab6, &ba6);
}

static void related(const struct ends *there, const struct ends *back, const char *router)
{
	const struct ends from_router = {router, there->src, 0, 0};
	const struct ends to_other = {router, there->dst, 0, 0};
	const struct hal_act_ct act = lab_ct(1, HAL_CT_COMMIT);
	struct frame f, r, e;
	struct outcome o;
	struct lab l;

	lab_open(&l, 1000);
	lab_udp(&f, there, 20);
	lab_udp(&r, back, 20);
	lab_error(&e, &from_router, &f, 0);
	CU_ASSERT_EQUAL(lab_pass(&l, &e, &act, NULL), INV); /* of no connection */
	lab_pass(&l, &f, &act, NULL);
	CU_ASSERT_EQUAL(lab_pass(&l, &e, &act, &o), HAL_CS_TRK | HAL_CS_REL | HAL_CS_RPL);
	CU_ASSERT_EQUAL(o.key.ct_nw_proto, 17);
	CU_ASSERT_EQUAL(o.key.ct_tp_dst, htons(53));
	lab_error(&e, &from_router, &f, f.v6 ? 48 : 28); /* eight bytes of UDP are enough */
	CU_ASSERT_EQUAL(lab_pass(&l, &e, &act, NULL), HAL_CS_TRK | HAL_CS_REL | HAL_CS_RPL);
	lab_error(&e, &from_router, &f, f.v6 ? 47 : 27);
	CU_ASSERT_EQUAL(lab_pass(&l, &e, &act, NULL), INV);
	lab_error(&e, &to_other, &r, 0);
	CU_ASSERT_EQUAL(lab_pass(&l, &e, &act, NULL), HAL_CS_TRK | HAL_CS_REL);
	/* It quotes a packet that came from somebody else. */
	lab_error(&e, &to_other, &f, 0);
	CU_ASSERT_EQUAL(lab_pass(&l, &e, &act, NULL), INV);
	CU_ASSERT_EQUAL(lab_pass(&l, &f, &act, NULL), NEW); /* errors change no state */
	lab_close(&l);
}

static void test_related(void)
{
	related(&ab, &ba, "10.9.9.9");
	related(&ab6, &ba6, "2001:db8:9::9");
}

/* Protocols without ports are told apart by addresses alone. */
static void test_other(void)
{
	const struct hal_act_ct act = lab_ct(1, HAL_CT_COMMIT);
	struct frame f;
	struct lab l;

	lab_open(&l, 1000);
	frame_macs(&f);
	frame_type(&f, 0x0800);
	frame_ipv4(&f, 47, 0, 0);
	frame_bytes(&f, 30);
	frame_finish(&f);
	CU_ASSERT_EQUAL(lab_pass(&l, &f, &act, NULL), NEW);
	CU_ASSERT_EQUAL(lab_pass(&l, &f, &act, NULL), NEW);
	memcpy(f.b + f.l3 + 12, (uint8_t[]){10, 0, 0, 2, 10, 0, 0, 1}, 8);
	CU_ASSERT_EQUAL(lab_pass(&l, &f, &act, NULL), RPL);
	/* What is no IP is invalid. */
	frame_make(&f, FRAME_ARP, 0, 0);
	CU_ASSERT_EQUAL(lab_pass(&l, &f, &act, NULL), INV);
	frame_make(&f, FRAME_NS, 0, 0);
	CU_ASSERT_EQUAL(lab_pass(&l, &f, &act, NULL), INV);
	frame_make(&f, FRAME_SCTP4, 0, 20);
	CU_ASSERT_EQUAL(lab_pass(&l, &f, &act, NULL), NEW);
	lab_close(&l);
}

static void spoil(struct lab *l, const struct frame *good, size_t at, uint8_t with)
{
	const struct hal_act_ct act = lab_ct(1, HAL_CT_COMMIT);
	struct frame f = *good;
	struct outcome o;

	f.b[at] ^= with;
	CU_ASSERT_EQUAL(lab_pass(l, &f, &act, &o), INV);
	CU_ASSERT_EQUAL(o.key.ct_nw_proto, 0);
	CU_ASSERT_EQUAL(o.key.ct_zone, htons(1));
}

static void test_bad(void)
{
	const struct hal_act_ct act = lab_ct(1, HAL_CT_COMMIT);
	struct ends zero = ab;
	struct frame f;
	struct lab l;

	lab_open(&l, 1000);
	lab_udp(&f, &ab, 21);
	spoil(&l, &f, f.len - 1, 1);   /* payload */
	spoil(&l, &f, f.l3 + 8, 1);    /* TTL: the IPv4 checksum */
	spoil(&l, &f, f.l4 + 4, 0x7f); /* length */
	CU_ASSERT_EQUAL(conntrack_count(l.ct, CONNTRACK_N_BAD_CHECKSUM), 2);
	CU_ASSERT_EQUAL(conntrack_count(l.ct, CONNTRACK_N_BAD_HEADER), 1);
	f.b[f.l4 + 6] = f.b[f.l4 + 7] = 0; /* no checksum: good over IPv4 */
	CU_ASSERT_EQUAL(lab_pass(&l, &f, &act, NULL), NEW);
	lab_udp(&f, &ab6, 21);
	spoil(&l, &f, f.len - 1, 1);
	f.b[f.l4 + 6] = f.b[f.l4 + 7] = 0;
	CU_ASSERT_EQUAL(lab_pass(&l, &f, &act, NULL), INV);
	lab_tcp(&f, &ab, 2, 1, 0, 100, 7, 3);
	spoil(&l, &f, f.len - 1, 1);
	lab_tcp(&f, &ab, 2, 1, 0, 100, 7, 3);
	f.b[f.l4 + 12] = 0x40; /* header of 16 bytes */
	frame_checksums(&f);
	CU_ASSERT_EQUAL(lab_pass(&l, &f, &act, NULL), INV);
	lab_echo(&f, &ab, 1, false, 9);
	spoil(&l, &f, f.len - 1, 1);
	f.b[f.l4 + 1] = 1; /* an echo has no codes */
	frame_checksums(&f);
	CU_ASSERT_EQUAL(lab_pass(&l, &f, &act, NULL), INV);
	zero.sport = 0;
	lab_udp(&f, &zero, 5);
	CU_ASSERT_EQUAL(lab_pass(&l, &f, &act, NULL), INV);
	CU_ASSERT_EQUAL(conntrack_n_conns(l.ct), 1);
	lab_close(&l);
}

static void test_zones(void)
{
	const struct hal_act_ct one = lab_ct(1, HAL_CT_COMMIT), two = lab_ct(2, 0);
	struct frame f, r;
	struct outcome o;
	struct lab l;

	lab_open(&l, 1000);
	lab_udp(&f, &ab, 20);
	lab_udp(&r, &ba, 20);
	lab_pass(&l, &f, &one, &o);
	CU_ASSERT_EQUAL(lab_pass(&l, &r, &one, &o), RPL);
	/* Another zone knows nothing of it, and what the first said does not count there. */
	CU_ASSERT_EQUAL(lab_pass_on(&l, &r, &two, &o.key, &o), NEW);
	CU_ASSERT_EQUAL(o.key.ct_zone, htons(2));
	CU_ASSERT_EQUAL(o.key.ct_nw_src, inet_addr("10.0.0.2"));
	lab_close(&l);
}

static void test_mark_label(void)
{
	struct hal_act_ct act = lab_ct(3, HAL_CT_COMMIT), look = lab_ct(3, 0);
	struct conntrack_entry e;
	struct frame f, r;
	struct outcome o;
	struct lab l;

	lab_open(&l, 1000);
	lab_udp(&f, &ab, 20);
	lab_udp(&r, &ba, 20);
	act.mark = 0x1234;
	act.mark_mask = 0xffff;
	act.label[15] = 5;
	act.label_mask[15] = 0xf;
	lab_pass(&l, &f, &act, &o);
	CU_ASSERT_EQUAL(o.key.ct_mark, htonl(0x1234));
	act.mark = 0xab0000;
	act.mark_mask = 0xff0000;
	act.label[0] = 0x80;
	act.label_mask[0] = 0xff;
	act.label_mask[15] = 0;
	act.label[15] = 0;
	lab_pass(&l, &f, &act, &o);
	CU_ASSERT_EQUAL(o.key.ct_mark, htonl(0xab1234));
	lab_pass(&l, &r, &look, &o);
	CU_ASSERT_EQUAL(l.established, 1);
	CU_ASSERT_EQUAL(l.dir[1].mark, 0xab1234);
	CU_ASSERT_EQUAL(o.key.ct_mark, htonl(0xab1234));
	CU_ASSERT_EQUAL(o.key.ct_label[0], 0x80);
	CU_ASSERT_EQUAL(o.key.ct_label[15], 5);
	CU_ASSERT_FATAL(lab_only(&l, 3, &e));
	CU_ASSERT_EQUAL(e.mark, 0xab1234);
	CU_ASSERT_EQUAL(e.label[15], 5);
	/* Whoever carries it is told of a change. */
	act.mark = 1;
	act.mark_mask = 0xff;
	lab_pass(&l, &f, &act, NULL);
	CU_ASSERT_EQUAL(l.established, 2);
	CU_ASSERT_EQUAL(l.dir[0].mark, 0xab1201);
	CU_ASSERT_EQUAL(lab_pass(&l, &f, &act, NULL), EST);
	CU_ASSERT_EQUAL(l.established, 2);
	lab_close(&l);
}

/* A connection that began the wrong way round is begun anew. */
static void test_force(void)
{
	const struct hal_act_ct act = lab_ct(1, HAL_CT_COMMIT),
				force = lab_ct(1, HAL_CT_COMMIT | HAL_CT_FORCE);
	struct conntrack_entry e;
	struct frame f, r;
	struct lab l;

	lab_open(&l, 1000);
	lab_udp(&f, &ab, 20);
	lab_udp(&r, &ba, 20);
	lab_pass(&l, &f, &act, NULL);
	CU_ASSERT_EQUAL(lab_pass(&l, &r, &act, NULL), RPL);
	CU_ASSERT_EQUAL(lab_pass(&l, &f, &force, NULL), EST);
	CU_ASSERT_EQUAL(lab_pass(&l, &r, &force, NULL), NEW);
	CU_ASSERT_EQUAL(l.gone, 1);
	CU_ASSERT_EQUAL(lab_pass(&l, &f, &act, NULL), RPL);
	CU_ASSERT_FATAL(lab_only(&l, 1, &e));
	CU_ASSERT_EQUAL(e.orig.src_port, htons(53));
	lab_close(&l);
}

/* What was just tracked in a zone is not looked up there again: a second pass neither takes the
 * packet for another one of the connection nor judges its window anew. */
static void test_seen(void)
{
	const struct hal_act_ct act = lab_ct(1, HAL_CT_COMMIT), two = lab_ct(2, 0);
	struct hal_key key = {0};
	struct conntrack_timeouts t = {{0}};
	struct conntrack_entry e;
	struct frame f;
	struct swpath_packet p = {.key = &key, .key_stale = true, .layers_stale = true};
	struct lab l;

	lab_open(&l, 1000);
	lab_udp(&f, &ab, 20);
	p.m = lab_mbuf(&f);
	for (unsigned i = 0; i < 4; i++) {
		CU_ASSERT_EQUAL(ct_process(l.ct, 0, &p, NULL, &act, l.now_ms), SWPATH_OK);
		CU_ASSERT_EQUAL(key.ct_state, htonl(NEW));
	}
	CU_ASSERT_PTR_NOT_NULL(p.ct.conn);
	ct_process(l.ct, 0, &p, NULL, &two, l.now_ms);
	CU_ASSERT_EQUAL(key.ct_state, htonl(NEW));
	CU_ASSERT_PTR_NULL(p.ct.conn);
	/* Back in the first zone it is the second packet of the connection, which is told by how
	 * long it may stay unanswered. */
	t.seconds[CONNTRACK_TIMEOUT_UDP_SINGLE] = 1000;
	CU_ASSERT_EQUAL(conntrack_set_timeouts(l.ct, 1, &t), 0);
	CU_ASSERT(lab_only(&l, 1, &e) && e.timeout_ms <= 60000);
	ct_process(l.ct, 0, &p, NULL, &act, l.now_ms);
	CU_ASSERT_EQUAL(key.ct_state, htonl(NEW));
	CU_ASSERT(lab_only(&l, 1, &e) && e.timeout_ms > 60000);
	rte_pktmbuf_free(p.m);
	lab_close(&l);
}

void suite_proto(void)
{
	CU_pSuite s = CU_add_suite("protocols", NULL, NULL);

	CU_add_test(s, "UDP", test_udp);
	CU_add_test(s, "echo", test_echo);
	CU_add_test(s, "related errors", test_related);
	CU_add_test(s, "other protocols", test_other);
	CU_add_test(s, "bad packets", test_bad);
	CU_add_test(s, "zones", test_zones);
	CU_add_test(s, "mark and label", test_mark_label);
	CU_add_test(s, "force", test_force);
	CU_add_test(s, "tracked a moment ago", test_seen);
}
