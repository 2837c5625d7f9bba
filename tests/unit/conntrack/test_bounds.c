/* SPDX-License-Identifier: Apache-2.0
 *
 * Timeouts, limits, a flood, and a million connections.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "hal/base/rcu.h"
#include "lab.h"

#define MILLION 1000000u
#define BYTES_MAX 400

static const struct ends ab = {"10.0.0.1", "10.0.0.2", 1000, 80};
static const struct ends ba = {"10.0.0.2", "10.0.0.1", 80, 1000};

static bool alive(struct lab *l)
{
	struct conntrack_entry e;

	return lab_only(l, -1, &e);
}

static void send_tcp(struct lab *l, bool reply, uint8_t flags, uint32_t seq, uint32_t ack)
{
	const struct hal_act_ct act = lab_ct(1, HAL_CT_COMMIT);
	struct frame f;

	lab_tcp(&f, reply ? &ba : &ab, flags, seq, ack, 5000, -1, 0);
	CU_ASSERT_EQUAL(lab_pass(l, &f, &act, NULL) & HAL_CS_INV, 0);
}

/* Alive just before the timeout, gone just after, memory too. */
static void expect_timeout(struct lab *l, uint64_t seconds)
{
	lab_sleep(l, seconds * 1000 - 100);
	CU_ASSERT(alive(l));
	lab_sleep(l, 200);
	CU_ASSERT_FALSE(alive(l));
	lab_sleep(l, seconds * 20 + 1000);
	CU_ASSERT_EQUAL(conntrack_n_conns(l->ct), 0);
}

/* A TCP connection brought to each of its stages. */
static void test_tcp_timeouts(void)
{
	static const struct {
		unsigned packets;
		uint64_t seconds;
	} stages[] = {{1, 30}, {2, 30}, {3, 86400}, {4, 900}, {5, 45}, {6, 30}};

	for (unsigned i = 0; i < RTE_DIM(stages); i++) {
		struct lab l;

		lab_open(&l, 1000);
		for (unsigned n = 0; n < stages[i].packets; n++)
			switch (n) {
			case 0:
				send_tcp(&l, false, 0x02, 100, 0);
				break;
			case 1:
				send_tcp(&l, true, 0x12, 500, 101);
				break;
			case 2:
				send_tcp(&l, false, 0x10, 101, 501);
				break;
			case 3:
				send_tcp(&l, false, 0x11, 101, 501);
				break;
			case 4: /* both have closed, but one FIN is not acknowledged */
				send_tcp(&l, true, 0x11, 501, 102);
				break;
			case 5:
				send_tcp(&l, false, 0x10, 102, 502);
				break;
			default:
				break;
			}
		expect_timeout(&l, stages[i].seconds);
		lab_close(&l);
	}
}

static void test_other_timeouts(void)
{
	const struct hal_act_ct act = lab_ct(1, HAL_CT_COMMIT);
	struct frame f, r;
	struct lab l;

	lab_open(&l, 1000);
	lab_udp(&f, &ab, 8);
	lab_udp(&r, &ba, 8);
	lab_pass(&l, &f, &act, NULL);
	expect_timeout(&l, 60);
	lab_pass(&l, &f, &act, NULL);
	lab_sleep(&l, 50000);
	lab_pass(&l, &f, &act, NULL); /* a packet gives it a new one */
	expect_timeout(&l, 60);
	lab_pass(&l, &f, &act, NULL);
	lab_pass(&l, &r, &act, NULL);
	expect_timeout(&l, 30);
	lab_echo(&f, &ab, 3, false, 8);
	lab_echo(&r, &ba, 3, true, 8);
	lab_pass(&l, &f, &act, NULL);
	expect_timeout(&l, 60);
	lab_pass(&l, &f, &act, NULL);
	lab_pass(&l, &r, &act, NULL);
	expect_timeout(&l, 30);
	CU_ASSERT_EQUAL(conntrack_count(l.ct, CONNTRACK_N_EXPIRED), 5);
	lab_close(&l);
}

static void test_zone_timeouts(void)
{
	const struct hal_act_ct act = lab_ct(1, HAL_CT_COMMIT);
	struct conntrack_timeouts t = {{0}};
	struct frame f, r;
	struct lab l;

	lab_open(&l, 1000);
	CU_ASSERT_EQUAL(
		conntrack_timeout_by_name("TCP_Established"), CONNTRACK_TIMEOUT_TCP_ESTABLISHED);
	CU_ASSERT_EQUAL(conntrack_timeout_by_name("tcp"), CONNTRACK_TIMEOUT_MAX);
	t.seconds[CONNTRACK_TIMEOUT_UDP_FIRST] = 7;
	t.seconds[CONNTRACK_TIMEOUT_UDP_MULTIPLE] = 500;
	CU_ASSERT_EQUAL(conntrack_set_timeouts(l.ct, 1, &t), 0);
	conntrack_get_timeouts(l.ct, 1, &t);
	CU_ASSERT_EQUAL(t.seconds[CONNTRACK_TIMEOUT_UDP_FIRST], 7);
	CU_ASSERT_EQUAL(t.seconds[CONNTRACK_TIMEOUT_UDP_SINGLE], 60);
	lab_udp(&f, &ab, 8);
	lab_udp(&r, &ba, 8);
	lab_pass(&l, &f, &act, NULL);
	expect_timeout(&l, 7);
	lab_pass(&l, &f, &act, NULL);
	lab_pass(&l, &r, &act, NULL);
	expect_timeout(&l, 500);
	CU_ASSERT_EQUAL(conntrack_set_timeouts(l.ct, 1, NULL), 0);
	lab_pass(&l, &f, &act, NULL);
	expect_timeout(&l, 60);
	lab_close(&l);
}

static unsigned commit_many(struct lab *l, uint16_t zone, unsigned n)
{
	const struct hal_act_ct act = lab_ct(zone, HAL_CT_COMMIT);
	struct ends e = {"10.0.0.1", "10.0.0.2", 0, 80};
	uint32_t before = conntrack_n_conns(l->ct);
	struct frame f;

	for (unsigned i = 0; i < n; i++) {
		e.sport = (uint16_t)(i + 1);
		lab_udp(&f, &e, 8);
		CU_ASSERT_EQUAL(lab_pass(l, &f, &act, NULL), NEW);
	}
	return conntrack_n_conns(l->ct) - before;
}

static void test_zone_limits(void)
{
	uint32_t limit, count;
	struct lab l;

	lab_open(&l, 10000);
	CU_ASSERT_EQUAL(conntrack_default_limit(l.ct), 0);
	conntrack_set_limit(l.ct, 1, 10);
	conntrack_set_default_limit(l.ct, 20);
	conntrack_set_limit(l.ct, 3, 0);
	CU_ASSERT_EQUAL(commit_many(&l, 1, 30), 10);
	CU_ASSERT_EQUAL(commit_many(&l, 2, 30), 20);
	CU_ASSERT_EQUAL(commit_many(&l, 3, 30), 30);
	CU_ASSERT_EQUAL(conntrack_count(l.ct, CONNTRACK_N_ZONE_LIMIT), 30);
	CU_ASSERT(conntrack_get_limit(l.ct, 1, &limit, &count));
	CU_ASSERT_EQUAL(limit, 10);
	CU_ASSERT_EQUAL(count, 10);
	CU_ASSERT_FALSE(conntrack_get_limit(l.ct, 2, &limit, &count));
	CU_ASSERT_EQUAL(limit, 20);
	CU_ASSERT_EQUAL(count, 20);
	/* Room that ended connections leave can be used. */
	lab_sleep(&l, 62000);
	CU_ASSERT_EQUAL(commit_many(&l, 1, 30), 10);
	CU_ASSERT(conntrack_del_limit(l.ct, 1));
	CU_ASSERT_FALSE(conntrack_del_limit(l.ct, 1));
	conntrack_flush(l.ct, NULL);
	CU_ASSERT_EQUAL(commit_many(&l, 1, 30), 20);
	lab_close(&l);
}

static void test_flush(void)
{
	struct conntrack_match m = {.has = CONNTRACK_HAS_ZONE, .entry.zone = 2};
	struct lab l;

	lab_open(&l, 10000);
	commit_many(&l, 1, 30);
	commit_many(&l, 2, 40);
	CU_ASSERT_EQUAL(conntrack_flush(l.ct, &m), 40);
	m = (struct conntrack_match){
		.has = CONNTRACK_HAS_ZONE | CONNTRACK_HAS_PROTO | CONNTRACK_HAS_SRC_PORT,
		.entry = {.zone = 1, .proto = 17, .orig.src_port = htons(7)}};
	CU_ASSERT_EQUAL(conntrack_flush(l.ct, &m), 1);
	m.has = CONNTRACK_HAS_DST_PORT << CONNTRACK_HAS_REPLY;
	m.entry.reply.dst_port = htons(8);
	CU_ASSERT_EQUAL(conntrack_flush(l.ct, &m), 1);
	m.has = CONNTRACK_HAS_PROTO;
	m.entry.proto = 6;
	CU_ASSERT_EQUAL(conntrack_flush(l.ct, &m), 0);
	CU_ASSERT_EQUAL(conntrack_n_conns(l.ct), 28);
	CU_ASSERT_EQUAL(conntrack_flush(l.ct, NULL), 28);
	CU_ASSERT_EQUAL(conntrack_n_conns(l.ct), 0);
	lab_close(&l);
}

/* Straight into the table, as a packet would be. */
static struct ct_conn *make(struct lab *l, uint32_t n, bool assured)
{
	struct ct_conn *c = ct_pool_take(&l->ct->pool);

	if (!c)
		return NULL;
	c->tuple[0] =
		(struct ct_tuple){.src = {10, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n},
			.dst = {192, 0, 2, 1},
			.src_port = 1000,
			.dst_port = 80,
			.proto = 6};
	ct_tuple_reverse(&c->tuple[0], &c->tuple[1]);
	atomic_store(&c->expires_ms, l->now_ms + 30000);
	atomic_store(&c->flags, 0);
	CU_ASSERT_EQUAL_FATAL(ct_insert(l->ct, c, l->now_ms), 0);
	if (assured)
		ct_set_expires(l->ct, c, CONNTRACK_TIMEOUT_TCP_ESTABLISHED, l->now_ms, true);
	ct_zone_take(l->ct, 0);
	atomic_fetch_add(&l->ct->n_conns, 1);
	return c;
}

/* A table of 2,000: 500 connections are in use, a flood of 100,000 SYNs comes, then honest new
 * connections. Those in use keep working, and honest ones find room. */
static void test_flood(void)
{
	const struct hal_act_ct act = lab_ct(1, HAL_CT_COMMIT);
	struct ends e = {"10.0.0.1", "10.0.0.2", 0, 80}, back = {"10.0.0.2", "10.0.0.1", 80, 0};
	char source[32];
	struct frame f;
	struct lab l;

	lab_open(&l, 2000);
	for (unsigned i = 1; i <= 500; i++) {
		e.sport = back.dport = (uint16_t)i;
		lab_tcp(&f, &e, 2, 1, 0, 5000, -1, 0);
		lab_pass(&l, &f, &act, NULL);
		lab_tcp(&f, &back, 0x12, 1, 2, 5000, -1, 0);
		lab_pass(&l, &f, &act, NULL);
		lab_tcp(&f, &e, 0x10, 2, 2, 5000, -1, 0);
		CU_ASSERT_EQUAL(lab_pass(&l, &f, &act, NULL), EST);
	}
	e.src = source;
	for (unsigned i = 0; i < 100000; i++) {
		snprintf(source, sizeof(source), "11.%u.%u.%u", i >> 16, i >> 8 & 255, i & 255);
		lab_tcp(&f, &e, 2, 1, 0, 5000, -1, 0);
		CU_ASSERT_EQUAL(lab_pass(&l, &f, &act, NULL), NEW);
		/* The server even answers some. */
		if (i % 3 == 0) {
			struct ends answer = {"10.0.0.2", source, 80, e.sport};

			lab_tcp(&f, &answer, 0x12, 1, 2, 5000, -1, 0);
			lab_pass(&l, &f, &act, NULL);
		}
		if (i % 1000 == 0)
			lab_sleep(&l, 10);
	}
	CU_ASSERT(conntrack_n_conns(l.ct) <= 2000);
	CU_ASSERT(conntrack_count(l.ct, CONNTRACK_N_EARLY_DROP) > 90000);
	CU_ASSERT_EQUAL(conntrack_count(l.ct, CONNTRACK_N_FULL), 0);
	CU_ASSERT_EQUAL(conntrack_count(l.ct, CONNTRACK_N_NO_MEMORY), 0);
	e.src = "10.0.0.1";
	for (unsigned i = 1; i <= 700; i++) {
		e.sport = back.dport = (uint16_t)i;
		if (i > 500) { /* honest and new */
			lab_tcp(&f, &e, 2, 1, 0, 5000, -1, 0);
			CU_ASSERT_EQUAL(lab_pass(&l, &f, &act, NULL), NEW);
			lab_tcp(&f, &back, 0x12, 1, 2, 5000, -1, 0);
			CU_ASSERT_EQUAL(lab_pass(&l, &f, &act, NULL), RPL);
		}
		lab_tcp(&f, &e, 0x18, 2, 2, 5000, -1, 10);
		CU_ASSERT_EQUAL(lab_pass(&l, &f, &act, NULL), EST);
		lab_tcp(&f, &back, 0x18, 2, 12, 5000, -1, 10);
		CU_ASSERT_EQUAL(lab_pass(&l, &f, &act, NULL), RPL);
	}
	lab_close(&l);
}

/* Nothing makes room when all connections are in use. */
static void test_full(void)
{
	struct lab l;
	struct frame f;
	const struct hal_act_ct act = lab_ct(0, HAL_CT_COMMIT);

	lab_open(&l, 100);
	for (uint32_t i = 0; i < 100; i++)
		make(&l, i, true);
	lab_udp(&f, &ab, 8);
	CU_ASSERT_EQUAL(lab_pass(&l, &f, &act, NULL), NEW);
	CU_ASSERT_EQUAL(conntrack_n_conns(l.ct), 100);
	CU_ASSERT_EQUAL(conntrack_count(l.ct, CONNTRACK_N_FULL), 1);
	CU_ASSERT_EQUAL(conntrack_set_max_conns(l.ct, 0), -EINVAL);
	CU_ASSERT_EQUAL(conntrack_set_max_conns(l.ct, 101), 0);
	CU_ASSERT_EQUAL(conntrack_max_conns(l.ct), 101);
	CU_ASSERT_EQUAL(lab_pass(&l, &f, &act, NULL), NEW);
	CU_ASSERT_EQUAL(conntrack_n_conns(l.ct), 101);
	lab_close(&l);
}

/* Resident bytes of this process. */
static size_t memory(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	unsigned long all, resident = 0;

	if (f && fscanf(f, "%lu %lu", &all, &resident) != 2)
		resident = 0;
	if (f)
		fclose(f);
	return resident * (size_t)sysconf(_SC_PAGESIZE);
}

/* All memory of a table of a million connections, the empty table's and its limits' included. It is
 * the first test: what tables leave behind is used again by others. */
static void test_million(void)
{
	size_t before = memory();
	unsigned failed = 0;
	double bytes;
	struct lab l;

	memset(&l, 0, sizeof(l));
	l.ct = ct_open(MILLION, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(l.ct);
	CU_ASSERT_EQUAL_FATAL(ct_frags_init(&l.frags), 0);
	l.now_ms = 1000000;
	for (uint32_t i = 0; i < MILLION; i++) {
		if (i % 10000 == 0)
			ct_tick(l.ct, l.now_ms);
		failed += !make(&l, i, i % 2);
	}
	CU_ASSERT_EQUAL(failed, 0);
	CU_ASSERT_EQUAL(conntrack_n_conns(l.ct), MILLION);
	bytes = (double)(memory() - before) / MILLION;
	fprintf(stderr, " %.0f bytes a connection ", bytes);
	CU_ASSERT(bytes >= sizeof(struct ct_conn) && bytes <= BYTES_MAX);
	/* Half of them time out, a bounded number a tick. */
	l.now_ms += 31000;
	ct_tick(l.ct, l.now_ms);
	CU_ASSERT(conntrack_n_conns(l.ct) >= MILLION - 20000);
	lab_sleep(&l, 10000);
	CU_ASSERT_EQUAL(conntrack_n_conns(l.ct), MILLION / 2);
	CU_ASSERT_EQUAL(conntrack_flush(l.ct, NULL), MILLION / 2);
	lab_close(&l);
}

/* Connections come and go many times over: memory is used again. */
static void test_turnover(void)
{
	struct lab l;

	lab_open(&l, 1000);
	for (unsigned round = 0; round < 200; round++) {
		for (uint32_t i = 0; i < 1000; i++)
			CU_ASSERT_PTR_NOT_NULL_FATAL(make(&l, i, i % 2));
		CU_ASSERT_EQUAL(conntrack_flush(l.ct, NULL), 1000);
		ct_tick(l.ct, l.now_ms);
		rcu_reclaim();
	}
	CU_ASSERT_EQUAL(conntrack_n_conns(l.ct), 0);
	CU_ASSERT(atomic_load(&l.ct->pool.taken) <= 2000);
	lab_close(&l);
}

void suite_bounds(void)
{
	CU_pSuite s = CU_add_suite("bounds", NULL, NULL);

	CU_add_test(s, "a million", test_million);
	CU_add_test(s, "TCP timeouts", test_tcp_timeouts);
	CU_add_test(s, "other timeouts", test_other_timeouts);
	CU_add_test(s, "timeouts of a zone", test_zone_timeouts);
	CU_add_test(s, "limits of zones", test_zone_limits);
	CU_add_test(s, "flush", test_flush);
	CU_add_test(s, "SYN flood", test_flood);
	CU_add_test(s, "full of what is in use", test_full);
	CU_add_test(s, "memory used again", test_turnover);
}
