/* SPDX-License-Identifier: Apache-2.0
 *
 * Buckets that are inserted into groups and removed from them.
 */
#include <stdio.h>
#include <string.h>

#include "ofctl/openflow/group_text.h"
#include "tests/unit/pipeline/test.h"

/* The buckets are given as a group of their own; `bucket` and `command` say what is done. */
static enum of_error change(enum of_group_command command, uint32_t bucket, const char *text)
{
	struct of_group_mod gm;
	enum of_error error;
	char err[256];

	if (of_group_mod_parse(text, OF_GROUP_ADD, NULL, &gm, err, sizeof(err))) {
		EXPECT(false, err);
		return OFERR_MAX;
	}
	gm.command = command;
	gm.bucket = bucket;
	error = pl_group_mod(rig.br, &gm);
	of_group_free(&gm.group);
	return error;
}

#define ADD(TEXT) change(OF_GROUP_ADD, OF_BUCKET_ALL, TEXT)
#define INSERT(BUCKET, TEXT) change(OF_GROUP_INSERT_BUCKET, BUCKET, TEXT)
#define REMOVE(BUCKET) change(OF_GROUP_REMOVE_BUCKET, BUCKET, "group_id=1,type=all")

static char ids[128];
static uint64_t counts[8];
static unsigned weights[8];

static void keep(void *ctx, const struct of_group_stats *gs)
{
	(void)ctx;
	ids[0] = '\0';
	for (unsigned i = 0; i < gs->group->n_buckets && i < 8; i++) {
		snprintf(ids + strlen(ids), sizeof(ids) - strlen(ids), i ? ",%u" : "%u",
			gs->group->buckets[i].id);
		counts[i] = gs->bucket_packets[i];
		weights[i] = gs->group->buckets[i].weight;
	}
}

/* The buckets of group 1 in their order. */
static const char *order(void)
{
	rig_settle();
	credit_all(rig.pl);
	CU_ASSERT_EQUAL(pl_group_list(rig.br, 1, keep, NULL), 0);
	return ids;
}

static void inserting(void)
{
	rig_ports(4);
	CU_ASSERT_EQUAL(ADD("group_id=1,type=all,bucket=bucket_id=1,output:1,bucket=bucket_id=2,"
			    "output:2"),
		0);
	CU_ASSERT_EQUAL(INSERT(1, "group_id=1,type=all,bucket=bucket_id=10,output:3,"
				  "bucket=bucket_id=11,output:4"),
		0);
	EXPECT_TEXT(order(), "1,10,11,2");
	CU_ASSERT_EQUAL(
		INSERT(OF_BUCKET_FIRST, "group_id=1,type=all,bucket=bucket_id=20,output:3"), 0);
	EXPECT_TEXT(order(), "20,1,10,11,2");
	CU_ASSERT_EQUAL(
		INSERT(OF_BUCKET_LAST, "group_id=1,type=all,bucket=bucket_id=30,output:3"), 0);
	EXPECT_TEXT(order(), "20,1,10,11,2,30");
	CU_ASSERT_EQUAL(INSERT(2, "group_id=1,type=all,bucket=bucket_id=10,output:3"),
		OFERR_GROUP_BUCKET_EXISTS);
	CU_ASSERT_EQUAL(INSERT(77, "group_id=1,type=all,bucket=bucket_id=40,output:3"),
		OFERR_GROUP_UNKNOWN_BUCKET);
	CU_ASSERT_EQUAL(
		INSERT(2, "group_id=2,type=all,bucket=bucket_id=40,output:3"), OFERR_GROUP_UNKNOWN);
	CU_ASSERT_EQUAL(
		INSERT(2, "group_id=1,type=all,bucket=bucket_id=40,group:1"), OFERR_GROUP_LOOP);
	EXPECT_TEXT(order(), "20,1,10,11,2,30");
}

static void removing(void)
{
	rig_ports(4);
	CU_ASSERT_EQUAL(ADD("group_id=1,type=all,bucket=bucket_id=1,output:1,bucket=bucket_id=2,"
			    "output:2,bucket=bucket_id=3,output:3,bucket=bucket_id=4,output:4"),
		0);
	CU_ASSERT_EQUAL(REMOVE(2), 0);
	EXPECT_TEXT(order(), "1,3,4");
	CU_ASSERT_EQUAL(REMOVE(2), OFERR_GROUP_UNKNOWN_BUCKET);
	CU_ASSERT_EQUAL(REMOVE(OF_BUCKET_FIRST), 0);
	EXPECT_TEXT(order(), "3,4");
	CU_ASSERT_EQUAL(REMOVE(OF_BUCKET_LAST), 0);
	EXPECT_TEXT(order(), "3");
	CU_ASSERT_EQUAL(REMOVE(OF_BUCKET_ALL), 0);
	EXPECT_TEXT(order(), "");
	/* Of none there is no first, but to remove it is no error. */
	CU_ASSERT_EQUAL(REMOVE(OF_BUCKET_FIRST), 0);
	CU_ASSERT_EQUAL(REMOVE(OF_BUCKET_LAST), 0);
	CU_ASSERT_EQUAL(REMOVE(3), OFERR_GROUP_UNKNOWN_BUCKET);
	CU_ASSERT_EQUAL(
		INSERT(OF_BUCKET_LAST, "group_id=1,type=all,bucket=bucket_id=5,output:3"), 0);
	EXPECT_TEXT(order(), "5");
}

/* Packets see the change, and what was counted stays with the bucket. */
static void in_use(void)
{
	struct hal_key key;

	rig_ports(4);
	CU_ASSERT_EQUAL(ADD("group_id=1,type=all,bucket=bucket_id=1,output:2,bucket=bucket_id=2,"
			    "output:3"),
		0);
	rig_flow("actions=group:1");
	EXPECT_TEXT(rig_program("in_port=1"), "output(102),output(103)");
	key = rig_key("in_port=1");
	rig_send(&key, 5);
	CU_ASSERT_EQUAL(
		INSERT(OF_BUCKET_FIRST, "group_id=1,type=all,bucket=bucket_id=9,output:4"), 0);
	rig_check_live("a bucket came");
	EXPECT_TEXT(rig_program("in_port=1"), "output(104),output(102),output(103)");
	rig_send(&key, 2);
	EXPECT_TEXT(order(), "9,1,2");
	CU_ASSERT_EQUAL(counts[0], 2);
	CU_ASSERT_EQUAL(counts[1], 7);
	CU_ASSERT_EQUAL(REMOVE(1), 0);
	rig_check_live("a bucket went");
	EXPECT_TEXT(rig_program("in_port=1"), "output(104),output(103)");
	EXPECT_TEXT(order(), "9,2");
	CU_ASSERT_EQUAL(counts[1], 7);
}

/* What the message says of the type is not asked for: the group's own decides. */
static void types(void)
{
	rig_ports(4);
	CU_ASSERT_EQUAL(ADD("group_id=1,type=select,bucket=bucket_id=1,weight:3,output:1"), 0);
	CU_ASSERT_EQUAL(INSERT(OF_BUCKET_LAST,
				"group_id=1,type=select,bucket=bucket_id=2,weight:7,output:2"),
		0);
	EXPECT_TEXT(order(), "1,2");
	CU_ASSERT_EQUAL(weights[1], 7);
	CU_ASSERT_EQUAL(change(OF_GROUP_DELETE, OF_BUCKET_ALL, "group_id=1,type=all"), 0);
	CU_ASSERT_EQUAL(ADD("group_id=1,type=all,bucket=bucket_id=1,output:1"), 0);
	CU_ASSERT_EQUAL(INSERT(OF_BUCKET_LAST,
				"group_id=1,type=select,bucket=bucket_id=2,weight:7,output:2"),
		0);
	EXPECT_TEXT(order(), "1,2");
	CU_ASSERT_EQUAL(weights[1], 0);
	CU_ASSERT_EQUAL(change(OF_GROUP_DELETE, OF_BUCKET_ALL, "group_id=1,type=all"), 0);
	CU_ASSERT_EQUAL(ADD("group_id=1,type=indirect,bucket=bucket_id=1,output:1"), 0);
	CU_ASSERT_EQUAL(REMOVE(1), OFERR_GROUP_INVALID);
	CU_ASSERT_EQUAL(
		INSERT(1, "group_id=1,type=all,bucket=bucket_id=2,output:1"), OFERR_GROUP_INVALID);
	EXPECT_TEXT(order(), "1");
}

CU_TestInfo bucket_tests[] = {
	{"inserting buckets", inserting},
	{"removing buckets", removing},
	{"buckets of a group in use", in_use},
	{"buckets and types of groups", types},
	CU_TEST_INFO_NULL,
};
