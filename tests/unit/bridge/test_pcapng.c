/* SPDX-License-Identifier: Apache-2.0
 *
 * pcapng, byte by byte.
 */
#include <event2/buffer.h>
#include <string.h>

#include "ofctl/bridge/pcapng.h"
#include "test_bridge.h"

static const uint8_t *all(struct evbuffer *out, size_t *n)
{
	*n = evbuffer_get_length(out);
	return evbuffer_pullup(out, -1);
}

/* The draft's blocks on a little-endian machine, written down by hand. */
static void blocks(void)
{
	static const uint8_t expected[] = {/* section header: comment "x", application "abcd" */
		0x0a, 0x0d, 0x0d, 0x0a, 0x30, 0, 0, 0, 0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0, /**/
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 0, 1, 0, 'x', 0, 0, 0,  /**/
		4, 0, 4, 0, 'a', 'b', 'c', 'd', 0, 0, 0, 0, 0x30, 0, 0, 0,
		/* interface: Ethernet, 96 bytes, name "p1", nanoseconds */
		1, 0, 0, 0, 0x28, 0, 0, 0, 1, 0, 0, 0, 96, 0, 0, 0,             /**/
		2, 0, 2, 0, 'p', '1', 0, 0, 9, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0, /**/
		0x28, 0, 0, 0,
		/* packet: 5 of 9 bytes in two parts, comment "why", out */
		6, 0, 0, 0, 0x3c, 0, 0, 0, 0, 0, 0, 0, 4, 3, 2, 1, 8, 7, 6, 5,    /**/
		5, 0, 0, 0, 9, 0, 0, 0, 'h', 'e', 'l', 'l', 'o', 0, 0, 0,         /**/
		1, 0, 3, 0, 'w', 'h', 'y', 0, 2, 0, 4, 0, 2, 0, 0, 0, 0, 0, 0, 0, /**/
		0x3c, 0, 0, 0};
	struct pcapng_packet pkt = {.time_ns = UINT64_C(0x0102030405060708),
		.way = PCAPNG_OUT,
		.len = 9,
		.part = {"hel", "lo"},
		.part_len = {3, 2},
		.comment = "why"};
	struct evbuffer *out = evbuffer_new();
	struct pcapng p;
	const uint8_t *got;
	size_t n;

	pcapng_begin(&p, out, 96, "abcd", "x");
	CU_ASSERT_EQUAL(pcapng_interface(&p, "p1", ""), 0);
	pcapng_packet(&p, &pkt);
	got = all(out, &n);
	CU_ASSERT_EQUAL_FATAL(n, sizeof(expected));
	CU_ASSERT(!memcmp(got, expected, n));
	CU_ASSERT_FALSE(p.failed);
	CU_ASSERT_EQUAL(pcapng_interface(&p, "p2", "another one"), 1);
	evbuffer_free(out);
}

static uint64_t number(const uint8_t *at)
{
	uint64_t v;

	memcpy(&v, at, sizeof(v));
	return v;
}

static void statistics(void)
{
	struct evbuffer *out = evbuffer_new();
	struct pcapng p;
	const uint8_t *got;
	size_t n;

	pcapng_begin(&p, out, 96, "abcd", NULL);
	evbuffer_drain(out, evbuffer_get_length(out));
	pcapng_statistics(&p, 3, 1, 2, UINT64_C(1) << 40, 7);
	got = all(out, &n);
	CU_ASSERT_EQUAL_FATAL(n, 12 + 12 + 4 * 12 + 4);
	CU_ASSERT_EQUAL(got[0], 5);
	CU_ASSERT_EQUAL(got[8], 3);
	CU_ASSERT_EQUAL(number(got + 20 + 2 * 12 + 4), UINT64_C(1) << 40); /* ifrecv */
	CU_ASSERT_EQUAL(number(got + 20 + 3 * 12 + 4), 7);                 /* ifdrop */
	CU_ASSERT_EQUAL(got[n - 4], n);
	evbuffer_free(out);
}

/* Texts are as long as users like: the block stays whole. */
static void long_texts(void)
{
	struct evbuffer *out = evbuffer_new();
	char text[5000];
	struct pcapng p;
	const uint8_t *got;
	uint32_t len;
	size_t n;

	memset(text, 'y', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	pcapng_begin(&p, out, 96, text, text);
	got = all(out, &n);
	memcpy(&len, got + 4, sizeof(len));
	CU_ASSERT_EQUAL(len, n);
	CU_ASSERT_EQUAL(n % 4, 0);
	CU_ASSERT(!memcmp(got + 4, got + n - 4, 4));
	evbuffer_free(out);
}

void suite_pcapng(void)
{
	CU_pSuite s = CU_add_suite("pcapng", NULL, NULL);

	CU_add_test(s, "blocks", blocks);
	CU_add_test(s, "statistics", statistics);
	CU_add_test(s, "long texts", long_texts);
}
