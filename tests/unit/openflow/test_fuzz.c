/* SPDX-License-Identifier: Apache-2.0
 *
 * Messages cut, mutated and made up: each is answered or taken, and a connection that can be
 * delimited goes on. Worth most with the address sanitizer.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/openflow/test.h"

#define ROUNDS 20000
#define BATCH 20

static struct rig rig;

/* A request of any kind, with a body that starts right and then is anything. */
static void put_random(struct of_buf *b, uint8_t version)
{
	static const uint8_t types10[] = {OFPT_EXPERIMENTER, OFPT_SET_CONFIG, OFPT_PACKET_OUT,
		OFPT_FLOW_MOD, OFPT10_PORT_MOD, OFPT10_STATS_REQUEST, OFPT10_BARRIER_REQUEST,
		OFPT10_QUEUE_GET_CONFIG_REQUEST};
	static const uint8_t types13[] = {OFPT_EXPERIMENTER, OFPT_SET_CONFIG, OFPT_PACKET_OUT,
		OFPT_FLOW_MOD, OFPT13_GROUP_MOD, OFPT13_PORT_MOD, OFPT13_TABLE_MOD,
		OFPT13_MULTIPART_REQUEST, OFPT13_BARRIER_REQUEST, OFPT13_ROLE_REQUEST,
		OFPT13_SET_ASYNC, OFPT13_METER_MOD};
	uint8_t type = version == OFP10 ? types10[rnd_below(sizeof(types10))]
					: types13[rnd_below(sizeof(types13))];
	size_t start;
	unsigned n = rnd_below(160);

	if (rnd_below(16) == 0)
		type = (uint8_t)rnd();
	start = of_begin(b, version, type, (uint32_t)rnd());
	if (type == OFPT_EXPERIMENTER) {
		of_put_u32(b, EXP_NICIRA);
		of_put_u32(b, 10 + rnd_below(12));
	} else if (type == OFPT13_MULTIPART_REQUEST && version == OFP13) {
		of_put_u16(b, (uint16_t)rnd_below(15));
		of_put_zeros(b, 6);
	} else if (type == OFPT10_STATS_REQUEST && version == OFP10) {
		of_put_u16(b, rnd_below(3) ? (uint16_t)rnd_below(7) : OFPMP_EXPERIMENTER);
		of_put_u16(b, 0);
		of_put_u32(b, EXP_NICIRA);
		of_put_u32(b, rnd_below(3));
		of_put_zeros(b, 4);
	}
	for (unsigned i = 0; i < n; i++)
		of_put_u8(b, rnd_below(3) ? 0 : (uint8_t)rnd());
	of_end(b, start);
}

static void put_flow_mod(struct of_buf *b, uint8_t version)
{
	struct of_flow_mod fm;

	rnd_flow_mod(&fm, version == OFP10);
	of_flow_mod_encode(b, version, (uint32_t)rnd(), &fm);
	of_instructions_free(&fm.ins);
}

/* 1.0's, with a match in NXM form. */
static void put_nx_flow_mod(struct of_buf *b)
{
	size_t start = of_begin_nicira(b, OFP10, 1, NXT_FLOW_MOD), match, match_len;
	struct of_actions acts;
	struct hal_match m;

	of_put_u64(b, rnd());
	of_put_u16(b, (uint16_t)rnd_below(5));
	of_put_zeros(b, 4);
	of_put_u16(b, (uint16_t)rnd());
	of_put_u32(b, OF_NO_BUFFER);
	of_put_u16(b, OFPP10_NONE);
	of_put_u16(b, 0);
	match_len = b->len;
	of_put_u16(b, 0);
	of_put_zeros(b, 6);
	match = b->len;
	rnd_match(&m, false);
	of_oxm_encode(b, OF_OXM_NX, &m);
	of_set_u16(b, match_len, b->len - match);
	of_put_pad8(b, match);
	rnd_actions(&acts, true);
	of_actions_encode(b, OFP10, &acts);
	of_actions_free(&acts);
	of_end(b, start);
}

/* Flips, overwrites or cuts what follows the header; the length stays true. */
static void mutate(struct of_buf *b, size_t start)
{
	size_t len = b->len - start;

	if (len <= 8)
		return;
	for (unsigned n = rnd_below(4); n > 0; n--) {
		size_t at = start + 8 + rnd_below((unsigned)len - 8);

		if (rnd_below(2))
			b->data[at] ^= (uint8_t)(1u << rnd_below(8));
		else
			b->data[at] = (uint8_t)(rnd_below(2) ? rnd() : rnd_below(2) * 255);
	}
	if (rnd_below(4) == 0)
		of_buf_cut(b, start + 8 + rnd_below((unsigned)len - 8));
	of_end(b, start);
}

static void drain(int fd)
{
	uint8_t junk[65536];

	while (recv(fd, junk, sizeof(junk), MSG_DONTWAIT) > 0)
		;
}

static void fuzz(uint8_t version)
{
	uint8_t junk[70000];
	int fd, len = 0;

	rig_open(&rig);
	fd = peer_greet(&rig, version);
	for (unsigned i = 0; i < ROUNDS; i += BATCH) {
		struct of_buf b = {0};

		for (unsigned j = 0; j < BATCH; j++) {
			size_t start = b.len;

			switch (rnd_below(version == OFP10 ? 4 : 3)) {
			case 0:
				put_random(&b, version);
				break;
			case 3:
				put_nx_flow_mod(&b);
				break;
			default:
				put_flow_mod(&b, version);
				break;
			}
			if (rnd_below(8))
				mutate(&b, start);
		}
		CU_ASSERT_FATAL(!b.failed);
		peer_send(fd, b.data, b.len);
		of_buf_free(&b);
		rig_run(&rig, 0);
		drain(fd);
		if (fake_n_flows() > 2000)
			fake_reset();
	}
	rig_run(&rig, 50);
	drain(fd);
	peer_hex(fd, version, OFPT_ECHO_REQUEST, 0x5a5a, "");
	do
		len = peer_read(&rig, fd, junk, sizeof(junk), 2000);
	while (len > 0 && junk[1] != OFPT_ECHO_REPLY);
	CU_ASSERT_EQUAL(len, 8);
	CU_ASSERT(fake.flow_mods > 0);
	close(fd);
	rig_close(&rig);
}

static void test_fuzz10(void)
{
	fuzz(OFP10);
}

static void test_fuzz13(void)
{
	fuzz(OFP13);
}

/* Bytes without any order, on connections that have not said hello or have. */
static void test_noise(void)
{
	rig_open(&rig);
	for (unsigned i = 0; i < 300; i++) {
		int fd = i % 2 ? peer_greet(&rig, OFP13) : peer_open(&rig);
		uint8_t noise[400];

		for (unsigned j = 0; j < sizeof(noise); j++)
			noise[j] = rnd_below(2) ? 0 : (uint8_t)rnd();
		send(fd, noise, sizeof(noise), MSG_NOSIGNAL);
		rig_run(&rig, 0);
		close(fd);
	}
	rig_close(&rig);
}

CU_TestInfo fuzz_tests[] = {
	{"messages of 1.0", test_fuzz10},
	{"messages of 1.3", test_fuzz13},
	{"noise", test_noise},
	CU_TEST_INFO_NULL,
};
