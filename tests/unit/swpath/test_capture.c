/* SPDX-License-Identifier: Apache-2.0
 *
 * Captures of the software path: what they take, in which order, and what they lose.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_ip.h>

#include "rig.h"
#include "swpath/capture.h"

#define MAX_TAKEN 4096

struct taken {
	unsigned n;
	struct swpath_captured rec[MAX_TAKEN];
	uint8_t *data[MAX_TAKEN];
};

static void take(
	void *ctx, const struct swpath_captured *rec, const struct swpath_captured_data *data)
{
	struct taken *t = ctx;

	CU_ASSERT_FATAL(t->n < MAX_TAKEN);
	CU_ASSERT_EQUAL(data->len[0] + data->len[1], rec->caplen);
	t->rec[t->n] = *rec;
	t->data[t->n] = malloc(rec->caplen + 1);
	memcpy(t->data[t->n], data->part[0], data->len[0]);
	if (data->len[1])
		memcpy(t->data[t->n] + data->len[0], data->part[1], data->len[1]);
	t->n++;
}

static void forget(struct taken *t)
{
	while (t->n)
		free(t->data[--t->n]);
}

static bool is_frame(const struct taken *t, unsigned i, const struct frame *f)
{
	return t->rec[i].len == f->len && t->rec[i].caplen == f->len &&
	       !memcmp(t->data[i], f->b, f->len);
}

static struct frame numbered(unsigned i, size_t payload)
{
	struct frame f;

	frame_make(&f, FRAME_UDP4, 0, payload);
	f.b[5] = (uint8_t)(i % 8);
	f.b[f.len - 1] = (uint8_t)i;
	f.b[f.len - 2] = (uint8_t)(i >> 8);
	return f;
}

static struct taken taken;

/* Both ways of one port, packets of many segments too, nothing of others. */
static void ports(void)
{
	uint64_t *set = calloc(SWPATH_CAPTURE_PORT_WORDS, sizeof(*set));
	struct swpath_capture_config cfg = {
		.what = SWPATH_CAPTURE_PORTS, .ports = set, .snaplen = 65536};
	struct swpath_capture *c;
	struct frame f;
	struct rig r;
	unsigned in = 0, out = 0;

	rig_open(&r, 2, &fake_class);
	r.translate = rig_to_out_port;
	r.out_port = 2;
	swpath_capture_add_port(set, 2);
	CU_ASSERT_EQUAL_FATAL(swpath_capture_open(r.sp, &cfg, &c), 0);
	for (unsigned i = 0; i < 100; i++) {
		f = numbered(i, 20 + i);
		fake_receive(r.sp, 1, test_mbuf(&f, i % 3 ? 0 : 50));
	}
	CU_ASSERT(fake_wait(r.sp, 2, 100));
	r.out_port = 4;
	f = numbered(1000, 9);
	rig_receive(&r, 2, &f);
	rig_receive(&r, 3, &f);
	CU_ASSERT(fake_wait(r.sp, 4, 2));
	swpath_capture_stop(c);
	rig_receive(&r, 2, &f); /* too late */
	CU_ASSERT(fake_wait(r.sp, 4, 3));
	while (swpath_capture_read(c, 500, take, &taken))
		;
	CU_ASSERT_EQUAL_FATAL(taken.n, 101);
	for (unsigned i = 0; i < taken.n; i++) {
		CU_ASSERT_EQUAL(taken.rec[i].port, 2);
		if (taken.rec[i].way == SWPATH_CAPTURED_OUT) {
			f = numbered(out, 20 + out);
			CU_ASSERT(is_frame(&taken, i, &f));
			out++;
		} else {
			f = numbered(1000, 9);
			CU_ASSERT_EQUAL(taken.rec[i].way, SWPATH_CAPTURED_IN);
			CU_ASSERT(is_frame(&taken, i, &f));
			in++;
		}
		CU_ASSERT(!i || taken.rec[i].time_ns >= taken.rec[i - 1].time_ns);
	}
	CU_ASSERT_EQUAL(in, 1);
	CU_ASSERT_EQUAL(out, 100);
	CU_ASSERT_EQUAL(swpath_capture_lost_all(c), 0);
	forget(&taken);
	swpath_capture_close(c);
	rig_close(&r);
	free(set);
}

/* Also of a megaflow that looks at nothing of its packets; cut to the length that is asked. */
static struct hal_megaflow *any_packet(struct rig *r, const struct hal_key *key, bool *cache)
{
	struct hal_key mask = {.in_port = UINT32_MAX, .recirc_id = UINT32_MAX};

	return rig_made(r, test_megaflow(key, &mask, rig_output(r->out_port)), cache);
}

static void matches(void)
{
	struct hal_key key = {.eth_type = RTE_BE16(0x0800), .ip_proto = 17},
		       mask = {.eth_type = UINT16_MAX, .ip_proto = UINT8_MAX};
	struct hal_cmatch *match = hal_cmatch_new_dp(&key, &mask);
	struct swpath_capture_config cfg = {
		.what = SWPATH_CAPTURE_MATCH, .match = match, .snaplen = 33};
	enum frame_kind kinds[] = {FRAME_UDP4, FRAME_TCP4, FRAME_ARP, FRAME_UDP6, FRAME_UDP4};
	struct swpath_capture *c;
	struct frame f;
	struct rig r;

	rig_open(&r, 1, &fake_class);
	r.translate = any_packet;
	r.out_port = 2;
	for (unsigned i = 0; i < 40; i++) { /* the megaflow gets known */
		f = numbered(i, 20);
		rig_receive(&r, 1, &f);
		CU_ASSERT(fake_wait(r.sp, 2, i + 1));
	}
	CU_ASSERT_EQUAL_FATAL(swpath_capture_open(r.sp, &cfg, &c), 0);
	for (unsigned i = 0; i < 5; i++) {
		frame_make(&f, kinds[i], 0, 30);
		rig_receive(&r, 1, &f);
	}
	CU_ASSERT(fake_wait(r.sp, 2, 45));
	frame_make(&f, FRAME_UDP4, 0, 30);
	CU_ASSERT_EQUAL(swpath_capture_read(c, SIZE_MAX, take, &taken), 2);
	for (unsigned i = 0; i < taken.n; i++) {
		CU_ASSERT_EQUAL(taken.rec[i].len, f.len);
		CU_ASSERT_EQUAL(taken.rec[i].caplen, 33);
		CU_ASSERT_EQUAL(taken.rec[i].port, 1);
		CU_ASSERT(!memcmp(taken.data[i], f.b, 33));
	}
	forget(&taken);
	swpath_capture_close(c);
	rig_close(&r);
	free(match);
}

static struct hal_megaflow *refused(struct rig *r, const struct hal_key *key, bool *cache)
{
	(void)r;
	(void)key;
	(void)cache;
	return NULL;
}

static void until_dropped(struct rig *r, enum swpath_drop why)
{
	do {
		rig_sync(r);
	} while (rig_drops(r, why) < 1);
	rig_sync(r); /* it is counted first, then copied */
}

/* With the reason and the port where they came in; only those for the reasons asked. */
static void drops(void)
{
	struct swpath_capture_config cfg = {.what = SWPATH_CAPTURE_DROPS,
		.drops = UINT64_C(1) << SWPATH_DROP_TRANSLATION | UINT64_C(1)
									  << SWPATH_DROP_NO_PORT,
		.snaplen = 65536};
	struct frame f = numbered(7, 20), short_ = {.len = 10};
	struct swpath_capture *c;
	struct rig r;

	rig_open(&r, 1, &fake_class);
	CU_ASSERT_EQUAL_FATAL(swpath_capture_open(r.sp, &cfg, &c), 0);
	r.translate = refused;
	rig_receive(&r, 3, &f);
	rig_receive(&r, 3, &short_); /* malformed: not asked for */
	until_dropped(&r, SWPATH_DROP_MALFORMED);
	r.translate = rig_to_out_port;
	r.out_port = 77;
	rig_receive(&r, 1, &f);
	until_dropped(&r, SWPATH_DROP_NO_PORT);
	CU_ASSERT_EQUAL_FATAL(swpath_capture_read(c, SIZE_MAX, take, &taken), 2);
	CU_ASSERT_EQUAL(taken.rec[0].why, SWPATH_DROP_TRANSLATION);
	CU_ASSERT_EQUAL(taken.rec[0].port, 3);
	CU_ASSERT_EQUAL(taken.rec[1].why, SWPATH_DROP_NO_PORT);
	CU_ASSERT_EQUAL(taken.rec[1].port, 1);
	for (unsigned i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL(taken.rec[i].way, SWPATH_CAPTURED_DROP);
		CU_ASSERT(is_frame(&taken, i, &f));
	}
	forget(&taken);
	swpath_capture_close(c);
	rig_close(&r);
}

/* A ring that is full loses copies and counts them; one that is read goes round and round, with
 * packets on both sides of its end. */
static void full(void)
{
	struct swpath_capture_config cfg = {
		.what = SWPATH_CAPTURE_PORTS, .snaplen = 65536, .ring_bytes = 4096};
	struct swpath_capture *c;
	unsigned sent = 0;
	struct frame f;
	struct rig r;

	rig_open(&r, 1, &fake_class);
	r.translate = any_packet;
	r.out_port = 2;
	CU_ASSERT_EQUAL_FATAL(swpath_capture_open(r.sp, &cfg, &c), 0);
	for (; sent < 100; sent++) {
		f = numbered(sent, 100);
		rig_receive(&r, 1, &f);
	}
	CU_ASSERT(fake_wait(r.sp, 2, 100));
	swpath_capture_read(c, SIZE_MAX, take, &taken);
	CU_ASSERT(taken.n > 5 && taken.n < 40);
	CU_ASSERT_EQUAL(taken.n + swpath_capture_lost_all(c), 200);
	CU_ASSERT_EQUAL(
		swpath_capture_lost(c, 1) + swpath_capture_lost(c, 2), swpath_capture_lost_all(c));
	forget(&taken);
	for (unsigned i = 0; i < 300; i++, sent++) {
		uint64_t lost = swpath_capture_lost_all(c);

		f = numbered(sent, 3 + i % 400);
		rig_receive(&r, 1, &f);
		CU_ASSERT(fake_wait(r.sp, 2, sent + 1));
		rig_sync(&r);
		CU_ASSERT_EQUAL_FATAL(swpath_capture_read(c, SIZE_MAX, take, &taken), 2);
		CU_ASSERT(is_frame(&taken, 0, &f) && is_frame(&taken, 1, &f));
		CU_ASSERT_EQUAL(swpath_capture_lost_all(c), lost);
		forget(&taken);
	}
	swpath_capture_close(c);
	rig_close(&r);
}

/* A checksum that a host left to its card is whole in the copy; the packet itself is as it was. */
static void partial_checksum(void)
{
	struct swpath_capture_config cfg = {.what = SWPATH_CAPTURE_PORTS, .snaplen = 65536};
	struct swpath_capture *c;
	struct frame f = numbered(1, 64);
	struct rte_mbuf *m;
	struct rig r;
	uint16_t sum;

	frame_checksums(&f);
	rig_open(&r, 1, &fake_class);
	r.translate = any_packet;
	r.out_port = 2;
	CU_ASSERT_EQUAL_FATAL(swpath_capture_open(r.sp, &cfg, &c), 0);
	m = test_mbuf(&f, 0);
	m->ol_flags |= RTE_MBUF_F_TX_UDP_CKSUM | RTE_MBUF_F_TX_IPV4;
	m->l2_len = f.l3;
	m->l3_len = f.l4 - f.l3;
	sum = rte_ipv4_phdr_cksum(rte_pktmbuf_mtod_offset(m, void *, f.l3), 0);
	memcpy(rte_pktmbuf_mtod_offset(m, uint8_t *, f.l4 + 6), &sum, 2);
	fake_receive(r.sp, 1, m);
	CU_ASSERT(fake_wait(r.sp, 2, 1));
	CU_ASSERT(!test_same_bytes(fake_frame(r.sp, 2, 0), f.b, f.len));
	CU_ASSERT_EQUAL_FATAL(swpath_capture_read(c, SIZE_MAX, take, &taken), 2);
	CU_ASSERT(is_frame(&taken, 0, &f) && is_frame(&taken, 1, &f));
	forget(&taken);
	swpath_capture_close(c);
	rig_close(&r);
}

/* Several at once are independent; there are no more than so many, and a place is free again. */
static void several(void)
{
	struct swpath_capture_config cfg = {
		.what = SWPATH_CAPTURE_PORTS, .snaplen = 65536, .ring_bytes = 65536};
	struct swpath_capture *c[SWPATH_MAX_CAPTURES], *more = NULL;
	struct frame f = numbered(1, 64);
	struct rig r;

	rig_open(&r, 1, &fake_class);
	r.translate = any_packet;
	r.out_port = 2;
	for (unsigned i = 0; i < SWPATH_MAX_CAPTURES; i++)
		CU_ASSERT_EQUAL_FATAL(swpath_capture_open(r.sp, &cfg, &c[i]), 0);
	CU_ASSERT_EQUAL(swpath_capture_open(r.sp, &cfg, &more), -EBUSY);
	rig_receive(&r, 1, &f);
	CU_ASSERT(fake_wait(r.sp, 2, 1));
	swpath_capture_close(c[3]);
	CU_ASSERT_EQUAL_FATAL(swpath_capture_open(r.sp, &cfg, &c[3]), 0);
	for (unsigned i = 0; i < SWPATH_MAX_CAPTURES; i++) {
		CU_ASSERT_EQUAL(swpath_capture_read(c[i], SIZE_MAX, take, &taken), i == 3 ? 0 : 2);
		forget(&taken);
		swpath_capture_close(c[i]);
	}
	CU_ASSERT_EQUAL(r.sp->n_captures, 0);
	rig_close(&r);
}

void suite_capture(void)
{
	CU_pSuite s = CU_add_suite("capture", NULL, NULL);

	CU_add_test(s, "ports", ports);
	CU_add_test(s, "matches", matches);
	CU_add_test(s, "drops", drops);
	CU_add_test(s, "a full ring", full);
	CU_add_test(s, "partial checksums", partial_checksum);
	CU_add_test(s, "several", several);
}
