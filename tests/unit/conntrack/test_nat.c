/* SPDX-License-Identifier: Apache-2.0
 *
 * NAT: ranges, collisions, replies, errors, checksums.
 */
#include <arpa/inet.h>
#include <string.h>

#include "lab.h"
#include "swpath/eal.h"

#define S(state) ((state) | HAL_CS_SNAT)
#define D(state) ((state) | HAL_CS_DNAT)

static struct hal_act_ct bare(void)
{
	return lab_ct(1, HAL_CT_NAT);
}

/* The frame with its ends turned around. */
static void answer(const struct outcome *o, struct frame *f, size_t payload)
{
	char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];
	struct ends e = {src, dst, ntohs(o->key.tp_dst), ntohs(o->key.tp_src)};

	strcpy(src, lab_dst(o));
	strcpy(dst, lab_src(o));
	lab_udp(f, &e, payload);
}

static void snat(const struct ends *e, const char *to)
{
	const struct hal_act_ct act = lab_nat(1, HAL_NAT_SRC, to, NULL, 0, 0), nat = bare();
	struct outcome o;
	struct frame f, r;
	struct lab l;

	lab_open(&l, 1000);
	lab_udp(&f, e, 33);
	CU_ASSERT_EQUAL(lab_pass(&l, &f, &act, &o), S(NEW));
	CU_ASSERT_STRING_EQUAL(lab_src(&o), to);
	CU_ASSERT_STRING_EQUAL(lab_dst(&o), e->dst);
	CU_ASSERT_EQUAL(o.key.tp_src, htons(e->sport)); /* its own, since nobody has it */
	CU_ASSERT(o.sums_right);
	answer(&o, &r, 12);
	CU_ASSERT_EQUAL(lab_pass(&l, &r, &nat, &o), D(RPL));
	CU_ASSERT_STRING_EQUAL(lab_dst(&o), e->src);
	CU_ASSERT(o.sums_right);
	/* Without `nat` a reply is known but not translated. */
	CU_ASSERT_EQUAL(lab_pass(&l, &r, &(struct hal_act_ct){.zone = 1}, &o), RPL);
	CU_ASSERT_STRING_EQUAL(lab_dst(&o), to);
	CU_ASSERT_EQUAL(l.established, 1);
	CU_ASSERT_EQUAL(l.dir[0].ct_state, S(EST));
	CU_ASSERT_EQUAL(l.dir[1].ct_state, D(RPL));
	CU_ASSERT_EQUAL(memcmp(l.dir[0].new_src, l.dir[1].dst, 16), 0);
	CU_ASSERT_EQUAL(memcmp(l.dir[1].new_dst, l.dir[0].src, 16), 0);
	lab_close(&l);
}

static void test_snat(void)
{
	snat(&(struct ends){"10.0.0.1", "10.0.0.2", 4000, 53}, "192.0.2.7");
	snat(&(struct ends){"2001:db8::1", "2001:db8::2", 4000, 53}, "2001:db8:7::7");
}

static void test_dnat(void)
{
	static const struct ends e = {"10.0.0.1", "192.0.2.1", 4000, 80};
	const struct hal_act_ct act = lab_nat(1, HAL_NAT_DST, "10.1.1.1", NULL, 8080, 8080),
				nat = bare();
	struct outcome o;
	struct frame f, r;
	struct lab l;

	lab_open(&l, 1000);
	lab_udp(&f, &e, 33);
	CU_ASSERT_EQUAL(lab_pass(&l, &f, &act, &o), D(NEW));
	CU_ASSERT_STRING_EQUAL(lab_dst(&o), "10.1.1.1");
	CU_ASSERT_EQUAL(o.key.tp_dst, htons(8080));
	CU_ASSERT_EQUAL(o.key.ct_nw_dst, inet_addr("192.0.2.1"));
	CU_ASSERT(o.sums_right);
	answer(&o, &r, 12);
	CU_ASSERT_EQUAL(lab_pass(&l, &r, &nat, &o), S(RPL));
	CU_ASSERT_STRING_EQUAL(lab_src(&o), "192.0.2.1");
	CU_ASSERT_EQUAL(o.key.tp_src, htons(80));
	CU_ASSERT(o.sums_right);
	lab_close(&l);
}

/* All connections get ports of the range, each its own, and no more than there are. */
static void test_port_range(void)
{
	const struct hal_act_ct act = lab_nat(1, HAL_NAT_SRC, "192.0.2.7", "192.0.2.8", 5000, 5009);
	bool seen[2][10] = {{false}};
	struct ends e = {"10.0.0.1", "10.0.0.2", 0, 53};
	struct outcome o;
	struct frame f;
	struct lab l;

	lab_open(&l, 1000);
	for (e.sport = 1; e.sport <= 20; e.sport++) {
		unsigned address, port;

		lab_udp(&f, &e, 8);
		CU_ASSERT_EQUAL_FATAL(lab_pass(&l, &f, &act, &o), S(NEW));
		address = ntohl(o.key.ipv4_src) - ntohl(inet_addr("192.0.2.7"));
		port = ntohs(o.key.tp_src) - 5000u;
		CU_ASSERT_FATAL(address < 2 && port < 10);
		CU_ASSERT_FALSE(seen[address][port]);
		seen[address][port] = true;
		CU_ASSERT(o.sums_right);
	}
	lab_udp(&f, &e, 8);
	CU_ASSERT_EQUAL(lab_pass(&l, &f, &act, &o), NEW); /* not committed, not translated */
	CU_ASSERT_STRING_EQUAL(lab_src(&o), "10.0.0.1");
	CU_ASSERT_EQUAL(conntrack_n_conns(l.ct), 20);
	CU_ASSERT_EQUAL(conntrack_count(l.ct, CONNTRACK_N_NAT_EXHAUSTED), 1);
	lab_close(&l);
}

static void test_flags(void)
{
	struct hal_act_ct act =
		lab_nat(1, HAL_NAT_SRC | HAL_NAT_PERSISTENT, "192.0.2.0", "192.0.2.255", 0, 0);
	struct ends e = {"10.0.0.1", "10.0.0.2", 0, 53};
	uint32_t address = 0, others = 0, high = 0;
	struct outcome o;
	struct frame f;
	struct lab l;

	lab_open(&l, 1000);
	/* A client keeps its address; */
	for (e.sport = 1; e.sport <= 20; e.sport++) {
		lab_udp(&f, &e, 8);
		lab_pass(&l, &f, &act, &o);
		CU_ASSERT(!address || address == o.key.ipv4_src);
		address = o.key.ipv4_src;
	}
	/* else connections are spread over the range. */
	act.nat_flags = HAL_NAT_SRC | HAL_NAT_HASH;
	for (; e.sport <= 60; e.sport++) {
		lab_udp(&f, &e, 8);
		lab_pass(&l, &f, &act, &o);
		others += o.key.ipv4_src != address;
		high += ntohl(o.key.ipv4_src) % 256 >= 128;
	}
	CU_ASSERT(others > 30 && high > 5 && high < 35);
	act.nat_flags = HAL_NAT_SRC | HAL_NAT_RANDOM;
	lab_udp(&f, &e, 8);
	CU_ASSERT_EQUAL(lab_pass(&l, &f, &act, &o), S(NEW));
	lab_close(&l);
}

/* Two clients behind one address use the same port: the second gets another one of its class. */
static void test_collision(void)
{
	const struct hal_act_ct act = lab_nat(1, HAL_NAT_SRC, "192.0.2.7", NULL, 0, 0),
				nat = bare();
	static const uint16_t ports[] = {100, 700, 40000};
	struct outcome o;
	struct frame f, r;
	struct lab l;

	lab_open(&l, 1000);
	for (unsigned i = 0; i < RTE_DIM(ports); i++) {
		struct ends one = {"10.0.0.1", "10.0.0.2", ports[i], 53}, two = one;
		uint16_t port;

		two.src = "10.0.0.9";
		lab_udp(&f, &one, 8);
		lab_pass(&l, &f, &act, &o);
		CU_ASSERT_EQUAL(o.key.tp_src, htons(ports[i]));
		lab_udp(&f, &two, 8);
		CU_ASSERT_EQUAL(lab_pass(&l, &f, &act, &o), S(NEW));
		port = ntohs(o.key.tp_src);
		CU_ASSERT_NOT_EQUAL(port, ports[i]);
		CU_ASSERT_EQUAL(port < 512, ports[i] < 512);
		CU_ASSERT_EQUAL(port < 1024, ports[i] < 1024);
		answer(&o, &r, 8);
		CU_ASSERT_EQUAL(lab_pass(&l, &r, &nat, &o), D(RPL));
		CU_ASSERT_STRING_EQUAL(lab_dst(&o), "10.0.0.9");
		CU_ASSERT_EQUAL(o.key.tp_dst, htons(ports[i]));
	}
	lab_close(&l);
}

/* nat(src=0.0.0.0): the address stays, and the port too unless somebody's reply would be taken for
 * it. */
static void test_all_zero(void)
{
	static const struct ends client = {"10.0.0.1", "10.0.0.2", 4000, 53};
	static const struct ends local = {"192.0.2.7", "10.0.0.2", 4000, 53};
	const struct hal_act_ct snat_act = lab_nat(1, HAL_NAT_SRC, "192.0.2.7", NULL, 0, 0);
	const struct hal_act_ct zero = lab_nat(1, HAL_NAT_SRC, NULL, NULL, 0, 0), nat = bare();
	struct outcome o;
	struct frame f, r;
	struct lab l;

	lab_open(&l, 1000);
	lab_udp(&f, &client, 8);
	CU_ASSERT_EQUAL(lab_pass(&l, &f, &zero, &o), S(NEW));
	CU_ASSERT_EQUAL(o.key.tp_src, htons(4000));
	CU_ASSERT_EQUAL(memcmp(o.out.b, f.b, f.len), 0);
	conntrack_flush(l.ct, NULL);
	lab_pass(&l, &f, &snat_act, &o);
	lab_udp(&f, &local, 8);
	/* It looks like what the client's packets became. */
	CU_ASSERT_EQUAL(lab_pass(&l, &f, &zero, &o), S(NEW));
	CU_ASSERT_STRING_EQUAL(lab_src(&o), "192.0.2.7");
	CU_ASSERT_NOT_EQUAL(o.key.tp_src, htons(4000));
	CU_ASSERT(o.sums_right);
	answer(&o, &r, 8);
	CU_ASSERT_EQUAL(lab_pass(&l, &r, &nat, &o), D(RPL));
	CU_ASSERT_EQUAL(o.key.tp_dst, htons(4000));
	CU_ASSERT_STRING_EQUAL(lab_dst(&o), "192.0.2.7");
	lab_close(&l);
}

/* A translated packet that comes to the zone again is known, and not translated twice. */
static void test_again(void)
{
	static const struct ends e = {"10.0.0.1", "10.0.0.2", 4000, 53};
	const struct hal_act_ct act = lab_nat(1, HAL_NAT_SRC, "192.0.2.7", NULL, 0, 0);
	const struct hal_act_ct look = lab_ct(1, 0), nat = bare();
	struct outcome o, p;
	struct frame f;
	struct lab l;

	lab_open(&l, 1000);
	lab_udp(&f, &e, 8);
	lab_pass(&l, &f, &act, &o);
	CU_ASSERT_EQUAL(lab_pass_on(&l, &o.out, &nat, &o.key, &p), S(NEW));
	CU_ASSERT_STRING_EQUAL(lab_src(&p), "192.0.2.7");
	CU_ASSERT_EQUAL(lab_pass_on(&l, &p.out, &look, &p.key, &o), S(NEW));
	CU_ASSERT_EQUAL(conntrack_n_conns(l.ct), 1);
	lab_close(&l);
}

/* A router's error about a translated packet comes back to the client as about its own packet. */
static void error(const struct ends *e, const char *to, const char *router, bool tcp)
{
	const struct hal_act_ct act = lab_nat(1, HAL_NAT_SRC, to, NULL, 7000, 7000), nat = bare();
	const struct ends back = {router, to, 0, 0};
	struct frame f, err, inner;
	struct outcome o, p;
	struct lab l;
	size_t at, n;

	lab_open(&l, 1000);
	if (tcp)
		lab_tcp(&f, e, 2, 1, 0, 100, 7, 0);
	else
		lab_udp(&f, e, 30);
	lab_pass(&l, &f, &act, &o);
	CU_ASSERT_EQUAL(o.key.tp_src, htons(7000));
	lab_error(&err, &back, &o.out, 0);
	CU_ASSERT_EQUAL(lab_pass(&l, &err, &nat, &p), D(HAL_CS_TRK | HAL_CS_REL | HAL_CS_RPL));
	CU_ASSERT_STRING_EQUAL(lab_dst(&p), e->src);
	CU_ASSERT_STRING_EQUAL(lab_src(&p), router);
	CU_ASSERT(p.sums_right);
	/* What it quotes is what the client sent, byte for byte, checksums included. */
	inner = f;
	at = p.out.l4 + 8;
	n = f.len - f.l3;
	CU_ASSERT_EQUAL(memcmp(p.out.b + at, inner.b + inner.l3, n), 0);
	lab_close(&l);
}

static void test_error(void)
{
	static const struct ends v4 = {"10.0.0.1", "10.0.0.2", 4000, 53},
				 v6 = {"2001:db8::1", "2001:db8::2", 4000, 53};

	for (unsigned tcp = 0; tcp < 2; tcp++) {
		error(&v4, "192.0.2.7", "10.9.9.9", tcp);
		error(&v6, "2001:db8:7::7", "2001:db8:9::9", tcp);
	}
}

/* Of an ICMP query only addresses change. */
static void test_echo(void)
{
	static const struct ends e = {"10.0.0.1", "10.0.0.2", 0, 0};
	static const struct ends back = {"10.0.0.2", "192.0.2.7", 0, 0};
	const struct hal_act_ct act = lab_nat(1, HAL_NAT_SRC, "192.0.2.7", NULL, 0, 0),
				nat = bare();
	struct outcome o;
	struct frame f;
	struct lab l;

	lab_open(&l, 1000);
	lab_echo(&f, &e, 9, false, 30);
	CU_ASSERT_EQUAL(lab_pass(&l, &f, &act, &o), S(NEW));
	CU_ASSERT_STRING_EQUAL(lab_src(&o), "192.0.2.7");
	CU_ASSERT(o.sums_right);
	lab_echo(&f, &back, 9, true, 30);
	CU_ASSERT_EQUAL(lab_pass(&l, &f, &nat, &o), D(RPL));
	CU_ASSERT_STRING_EQUAL(lab_dst(&o), "10.0.0.1");
	lab_close(&l);
}

/* A super-frame with a partial checksum stays one. */
static void test_partial(void)
{
	static const struct ends e = {"10.0.0.1", "10.0.0.2", 4000, 80};
	const struct hal_act_ct act = lab_nat(1, HAL_NAT_SRC, "192.0.2.7", NULL, 7000, 7000);
	struct hal_key key = {0};
	struct frame f, again;
	struct swpath_packet p = {
		.pool = swpath_eal_pool(), .key = &key, .key_stale = true, .layers_stale = true};
	struct lab l;
	uint32_t sum = 6 + 20 + 1000;
	uint16_t field;

	lab_open(&l, 1000);
	lab_tcp(&f, &e, 2, 1, 0, 100, -1, 1000);
	for (unsigned i = 0; i < 8; i += 2)
		sum += (uint32_t)(f.b[f.l3 + 12 + i] << 8 | f.b[f.l3 + 13 + i]);
	field = htons((uint16_t)((sum & 0xffff) + (sum >> 16)));
	memcpy(f.b + f.l4 + 16, &field, 2);
	p.m = lab_mbuf(&f);
	p.m->ol_flags |= RTE_MBUF_F_TX_TCP_CKSUM | RTE_MBUF_F_TX_TCP_SEG;
	p.m->tso_segsz = 500;
	CU_ASSERT_EQUAL(ct_process(l.ct, 0, &p, NULL, &act, l.now_ms), SWPATH_OK);
	CU_ASSERT_EQUAL(key.ct_state, htonl(S(NEW)));
	again = f;
	memcpy(again.b, rte_pktmbuf_mtod(p.m, void *), f.len);
	sum = 6 + 20 + 1000;
	for (unsigned i = 0; i < 8; i += 2)
		sum += (uint32_t)(again.b[f.l3 + 12 + i] << 8 | again.b[f.l3 + 13 + i]);
	field = htons((uint16_t)((sum & 0xffff) + (sum >> 16)));
	CU_ASSERT_EQUAL(memcmp(again.b + f.l4 + 16, &field, 2), 0);
	CU_ASSERT_EQUAL(again.b[f.l4] << 8 | again.b[f.l4 + 1], 7000);
	rte_pktmbuf_free(p.m);
	lab_close(&l);
}

void suite_nat(void)
{
	CU_pSuite s = CU_add_suite("NAT", NULL, NULL);

	CU_add_test(s, "source", test_snat);
	CU_add_test(s, "destination and port", test_dnat);
	CU_add_test(s, "range of addresses and ports", test_port_range);
	CU_add_test(s, "persistent, hash, random", test_flags);
	CU_add_test(s, "collision", test_collision);
	CU_add_test(s, "all-zero source", test_all_zero);
	CU_add_test(s, "translated a moment ago", test_again);
	CU_add_test(s, "errors", test_error);
	CU_add_test(s, "echo", test_echo);
	CU_add_test(s, "partial checksum", test_partial);
}
