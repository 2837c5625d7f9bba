/* SPDX-License-Identifier: Apache-2.0
 *
 * Groups of OpenFlow 1.5 on the wire: by chance there and back, and what is refused.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/openflow/test.h"

#define ROUNDS 400

static void rnd_select(struct of_group *g)
{
	g->select = (enum of_select)rnd_below(3);
	if (g->select != OF_SELECT_DEFAULT)
		g->select_param = rnd();
	if (g->select != OF_SELECT_HASH)
		return;
	if (rnd_below(2))
		hal_match_set_u64(&g->fields, FIELD_ETH_TYPE, 0xffff);
	if (rnd_below(2))
		hal_field_set_u64(FIELD_IPV4_SRC, &g->fields.mask, rnd() | 1);
	if (rnd_below(2))
		hal_field_set_u64(FIELD_TCP_DST, &g->fields.mask, 0xff00);
	if (rnd_below(2))
		hal_field_set_u64(FIELD_IN_PORT, &g->fields.mask, UINT32_MAX);
	memset(&g->fields.value, 0, sizeof(g->fields.value));
}

static void rnd_group(struct of_group *g)
{
	memset(g, 0, sizeof(*g));
	g->id = (uint32_t)rnd();
	g->type = (enum of_group_type)rnd_below(4);
	g->n_buckets = rnd_below(6);
	g->buckets = calloc(g->n_buckets + 1, sizeof(*g->buckets));
	CU_ASSERT_PTR_NOT_NULL_FATAL(g->buckets);
	for (unsigned i = 0; i < g->n_buckets; i++) {
		struct of_bucket *b = &g->buckets[i];

		b->id = (uint32_t)rnd() >> 1;
		b->weight = rnd_below(2) ? (uint16_t)rnd() : 0;
		b->watch_port = rnd_below(2) ? (uint32_t)rnd() : OF_PORT_ANY;
		b->watch_group = rnd_below(2) ? (uint32_t)rnd() : OF_GROUP_ANY;
		rnd_actions(&b->actions, false);
	}
	if (g->type == OF_GROUP_SELECT)
		rnd_select(g);
}

static void expect_group(const struct of_group *a, const struct of_group *b)
{
	CU_ASSERT_EQUAL(a->id, b->id);
	CU_ASSERT_EQUAL(a->type, b->type);
	CU_ASSERT_EQUAL(a->select, b->select);
	CU_ASSERT_EQUAL(a->select_param, b->select_param);
	CU_ASSERT(!memcmp(&a->fields.mask, &b->fields.mask, sizeof(a->fields.mask)));
	CU_ASSERT_EQUAL_FATAL(a->n_buckets, b->n_buckets);
	for (unsigned i = 0; i < a->n_buckets; i++) {
		CU_ASSERT_EQUAL(a->buckets[i].id, b->buckets[i].id);
		CU_ASSERT_EQUAL(a->buckets[i].weight, b->buckets[i].weight);
		CU_ASSERT_EQUAL(a->buckets[i].watch_port, b->buckets[i].watch_port);
		CU_ASSERT_EQUAL(a->buckets[i].watch_group, b->buckets[i].watch_group);
	}
}

static void test_groups(void)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		static const enum of_group_command commands[] = {
			OF_GROUP_ADD, OF_GROUP_MODIFY, OF_GROUP_ADD_OR_MODIFY};
		struct of_group_mod in = {.command = commands[i % 3], .bucket = OF_BUCKET_ALL}, out;
		struct of_buf b = {0}, again = {0};

		rnd_group(&in.group);
		of_group_mod_encode(&b, OFP15, 1, &in);
		CU_ASSERT_EQUAL_FATAL(of_group_mod_decode(body15(&b), OFP15, &out), OFERR_OK);
		CU_ASSERT_EQUAL(in.command, out.command);
		expect_group(&in.group, &out.group);
		of_group_mod_encode(&again, OFP15, 1, &out);
		CU_ASSERT(same_bytes(&b, &again));

		/* A description has its length in the command's place, and no bucket to name. */
		of_buf_cut(&again, 0);
		of_group_desc_encode(&again, OFP15, &in.group);
		CU_ASSERT_EQUAL((size_t)(again.data[0] << 8 | again.data[1]), again.len);
		CU_ASSERT_EQUAL(again.len, b.len - OFP_HEADER_LEN);
		CU_ASSERT(!memcmp(again.data + 16, b.data + OFP_HEADER_LEN + 16, again.len - 16));
		of_group_free(&in.group);
		of_group_free(&out.group);
		of_buf_free(&b);
		of_buf_free(&again);
	}
}

#define BUCKET(ID) "0008 0000 " ID " "

static const struct {
	const char *what, *hex;
	enum of_error err;
} group_mods[] = {
	{"insert", "0003 00 00 00000001 0008 0000 fffffffe" BUCKET("00000005"), OFERR_OK},
	{"insert nowhere", "0003 00 00 00000001 0008 0000 ffffffff" BUCKET("00000005"),
		OFERR_GROUP_BAD_BUCKET},
	{"remove", "0005 00 00 00000001 0000 0000 00000007", OFERR_OK},
	{"remove all", "0005 00 00 00000001 0000 0000 ffffffff", OFERR_OK},
	{"remove, with a bucket", "0005 00 00 00000001 0008 0000 00000007" BUCKET("00000005"),
		OFERR_GROUP_BAD_BUCKET},
	{"remove a reserved number", "0005 00 00 00000001 0000 0000 ffffff01",
		OFERR_GROUP_BAD_BUCKET},
	{"add, with a bucket named", "0000 00 00 00000001 0000 0000 00000007",
		OFERR_GROUP_BAD_BUCKET},
	{"unknown command", "0004 00 00 00000001 0000 0000 ffffffff", OFERR_GROUP_BAD_COMMAND},
	{"unknown type", "0000 04 00 00000001 0000 0000 ffffffff", OFERR_GROUP_BAD_TYPE},
	{"buckets cut off", "0000 00 00 00000001 0010 0000 ffffffff" BUCKET("00000005"),
		OFERR_BAD_LEN},
	{"bucket's number", "0000 00 00 00000001 0008 0000 ffffffff" BUCKET("ffffff01"),
		OFERR_GROUP_BAD_BUCKET},
	{"bucket's length", "0000 00 00 00000001 0008 0000 ffffffff 0007 0000 00000001",
		OFERR_GROUP_BAD_BUCKET},
	{"bucket's actions", "0000 00 00 00000001 0008 0000 ffffffff 0008 0008 00000001",
		OFERR_GROUP_BAD_BUCKET},
	{"bucket's property",
		"0000 00 00 00000001 0010 0000 ffffffff 0010 0000 00000001 0007 0008 00000000",
		OFERR_PROP_BAD_TYPE},
	{"weight, short",
		"0000 01 00 00000001 0010 0000 ffffffff 0010 0000 00000001 0000 0005 01000000",
		OFERR_PROP_BAD_LEN},
	{"unknown property", "0000 01 00 00000001 0000 0000 ffffffff 0001 0008 00000000",
		OFERR_PROP_BAD_TYPE},
	{"unknown experimenter",
		"0000 01 00 00000001 0000 0000 ffffffff ffff 000c 12345678 00000001 00000000",
		OFERR_PROP_BAD_EXPERIMENTER},
	{"unknown property of the experimenter",
		"0000 01 00 00000001 0000 0000 ffffffff ffff 000c 0000154d 00000002 00000000",
		OFERR_PROP_BAD_EXP_TYPE},
	{"method, short",
		"0000 01 00 00000001 0000 0000 ffffffff ffff 0010 0000154d 00000001 00000000",
		OFERR_PROP_BAD_LEN},
	{"method",
		"0000 01 00 00000001 0000 0000 ffffffff ffff 0028 0000154d 00000001 00000000 "
		"64705f68617368000000000000000000 0000000000000007",
		OFERR_OK},
	{"unknown method",
		"0000 01 00 00000001 0000 0000 ffffffff ffff 0028 0000154d 00000001 00000000 "
		"65705f68617368000000000000000000 0000000000000007",
		OFERR_PROP_BAD_VALUE},
	{"method of another type",
		"0000 00 00 00000001 0000 0000 ffffffff ffff 0028 0000154d 00000001 00000000 "
		"64705f68617368000000000000000000 0000000000000007",
		OFERR_PROP_BAD_VALUE},
	{"fields of another method",
		"0000 01 00 00000001 0000 0000 ffffffff ffff 0030 0000154d 00000001 00000000 "
		"64705f68617368000000000000000000 0000000000000007 80001604 ffffffff",
		OFERR_PROP_BAD_VALUE},
	{"fields",
		"0000 01 00 00000001 0000 0000 ffffffff ffff 0030 00001540 00000001 00000000 "
		"68617368000000000000000000000000 0000000000000007 80001604 ffff0000",
		OFERR_OK},
	{"fields with masks",
		"0000 01 00 00000001 0000 0000 ffffffff ffff 0034 00001540 00000001 00000000 "
		"68617368000000000000000000000000 0000000000000007 80001708 ffff0000 ffffffff "
		"00000000",
		OFERR_BAD_MATCH_LEN},
	{"a field twice",
		"0000 01 00 00000001 0000 0000 ffffffff ffff 0038 00001540 00000001 00000000 "
		"68617368000000000000000000000000 0000000000000007 80001604 ffff0000 80001604 "
		"ffff0000",
		OFERR_DUP_FIELD},
	{"part of a field that has none",
		"0000 01 00 00000001 0000 0000 ffffffff ffff 002d 00001540 00000001 00000000 "
		"68617368000000000000000000000000 0000000000000007 80001401 0f 000000",
		OFERR_BAD_MATCH_MASK},
};

static void test_group_mods(void)
{
	for (unsigned i = 0; i < sizeof(group_mods) / sizeof(group_mods[0]); i++) {
		struct of_group_mod gm;
		uint8_t raw[128];
		size_t len = from_hex(group_mods[i].hex, raw, sizeof(raw));
		enum of_error err = of_group_mod_decode(of_rd_make(raw, len), OFP15, &gm);

		EXPECT(err == group_mods[i].err, group_mods[i].what);
		if (!err)
			of_group_free(&gm.group);
		/* Cut anywhere it is an error, or says less; never more than there is. */
		for (size_t n = 0; n < len; n++) {
			uint8_t *copy = malloc(n ? n : 1);

			CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
			memcpy(copy, raw, n);
			if (!of_group_mod_decode(of_rd_make(copy, n), OFP15, &gm))
				of_group_free(&gm.group);
			free(copy);
		}
	}
}

CU_TestInfo group15_tests[] = {
	{"groups of 1.5", test_groups},
	{"group-mods of 1.5", test_group_mods},
	CU_TEST_INFO_NULL,
};
