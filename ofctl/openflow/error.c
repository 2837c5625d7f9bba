/* SPDX-License-Identifier: Apache-2.0 */
#include "ofctl/openflow/error.h"

#include <string.h>

#include "ofctl/openflow/codec.h"
#include "ofctl/openflow/wire.h"

/* The longest header before the offending request in an error: Nicira's. */
#define ERROR_HEADER 20

/* 1.0 has no numbers for what it does not know, matches in NXM form above all. Nicira's extension
 * has: codes from 256 on, sent as an error of this type and code 0 with experimenter, type and code
 * before the data. */
#define NX_ERROR_TYPE 0xb0c2
#define NX_ERROR_FIRST 256

/* 1.3 has a type for errors of experimenters (7.4.4.14): their own type is in place of the code,
 * and the experimenter follows. */
#define NX OFPET13_EXPERIMENTER

/* In 1.3 bundles are an extension of the ONF; the types of its errors do not overlap Nicira's. */
#define ONF_ERROR_FIRST 2300

/* Types and codes beyond 1.0's own are of the extension too. */
#define LAST_TYPE10 5
#define LAST_ACTION_CODE10 8

/* Types and codes of OpenFlow 1.0 (5.4.4) and OpenFlow 1.3 (7.4.4). */
static const struct {
	struct of_error_code v10, v13;
} codes[OFERR_MAX] = {
	[OFERR_HELLO_INCOMPATIBLE] = {{0, 0}, {0, 0}},
	[OFERR_BAD_VERSION] = {{1, 0}, {1, 0}},
	[OFERR_BAD_TYPE] = {{1, 1}, {1, 1}},
	[OFERR_BAD_MULTIPART] = {{1, 2}, {1, 2}},
	[OFERR_BAD_EXPERIMENTER] = {{1, 3}, {1, 3}},
	[OFERR_BAD_EXP_TYPE] = {{1, 4}, {1, 4}},
	[OFERR_EPERM] = {{1, 5}, {1, 5}},
	[OFERR_BAD_LEN] = {{1, 6}, {1, 6}},
	[OFERR_BUFFER_EMPTY] = {{1, 7}, {1, 7}},
	[OFERR_BUFFER_UNKNOWN] = {{1, 8}, {1, 8}},
	[OFERR_BAD_TABLE_ID] = {{1, 512}, {1, 9}},
	[OFERR_IS_SLAVE] = {{1, 5}, {1, 10}},
	[OFERR_BAD_PORT] = {{1, 514}, {1, 11}},
	[OFERR_BAD_PACKET] = {{1, 6}, {1, 12}},
	[OFERR_MULTIPART_OVERFLOW] = {{1, 2}, {1, 13}},
	[OFERR_BAD_SCHEDULE] = {{1, 2}, {1, 2}},
	[OFERR_PIPELINE_FIELDS_ONLY] = {{1, 5}, {1, 5}},
	[OFERR_BAD_ACTION_TYPE] = {{2, 0}, {2, 0}},
	[OFERR_BAD_ACTION_LEN] = {{2, 1}, {2, 1}},
	[OFERR_BAD_ACTION_EXPERIMENTER] = {{2, 2}, {2, 2}},
	[OFERR_BAD_ACTION_EXP_TYPE] = {{2, 3}, {2, 3}},
	[OFERR_BAD_OUT_PORT] = {{2, 4}, {2, 4}},
	[OFERR_BAD_ACTION_ARGUMENT] = {{2, 5}, {2, 5}},
	[OFERR_ACTION_EPERM] = {{2, 6}, {2, 6}},
	[OFERR_TOO_MANY_ACTIONS] = {{2, 7}, {2, 7}},
	[OFERR_BAD_QUEUE] = {{2, 8}, {2, 8}},
	[OFERR_BAD_OUT_GROUP] = {{2, 9}, {2, 9}},
	[OFERR_MATCH_INCONSISTENT] = {{1, 522}, {2, 10}},
	[OFERR_UNSUPPORTED_ORDER] = {{3, 5}, {2, 11}},
	[OFERR_BAD_TAG] = {{2, 5}, {2, 12}},
	[OFERR_BAD_SET_TYPE] = {{1, 523}, {2, 13}},
	[OFERR_BAD_SET_LEN] = {{1, 524}, {2, 14}},
	[OFERR_BAD_SET_ARGUMENT] = {{1, 525}, {2, 15}},
	/* What only 1.5 has numbers for has the nearest here. */
	[OFERR_BAD_SET_MASK] = {{1, 523}, {2, 13}},
	[OFERR_BAD_METER] = {{1, 1}, {12, 3}},
	[OFERR_BAD_INSTRUCTION] = {{2, 257}, {3, 0}},
	[OFERR_UNSUP_INSTRUCTION] = {{2, 257}, {3, 1}},
	[OFERR_BAD_GOTO_TABLE] = {{2, 5}, {3, 2}},
	[OFERR_UNSUP_METADATA] = {{2, 5}, {3, 3}},
	[OFERR_UNSUP_METADATA_MASK] = {{2, 5}, {3, 4}},
	[OFERR_BAD_INSTRUCTION_EXPERIMENTER] = {{2, 2}, {3, 5}},
	[OFERR_BAD_INSTRUCTION_LEN] = {{2, 1}, {3, 7}},
	/* 1.3 has no number of its own for it; 1.4 has (3, 9). */
	[OFERR_DUP_INSTRUCTION] = {{2, 5}, {3, 0}},
	[OFERR_BAD_MATCH_TYPE] = {{1, 256}, {4, 0}},
	[OFERR_BAD_MATCH_LEN] = {{1, 256}, {4, 1}},
	[OFERR_BAD_MATCH_TAG] = {{1, 258}, {4, 2}},
	[OFERR_BAD_DL_ADDR_MASK] = {{1, 259}, {4, 3}},
	[OFERR_BAD_NW_ADDR_MASK] = {{1, 259}, {4, 4}},
	[OFERR_BAD_WILDCARDS] = {{1, 262}, {4, 5}},
	[OFERR_BAD_MATCH_FIELD] = {{0, 263}, {4, 6}},
	[OFERR_BAD_MATCH_VALUE] = {{1, 258}, {4, 7}},
	[OFERR_BAD_MATCH_MASK] = {{1, 259}, {4, 8}},
	[OFERR_BAD_PREREQ] = {{1, 260}, {4, 9}},
	[OFERR_DUP_FIELD] = {{1, 261}, {4, 10}},
	[OFERR_FLOW_MOD_UNKNOWN] = {{3, 5}, {5, 0}},
	[OFERR_TABLE_FULL] = {{3, 0}, {5, 1}},
	[OFERR_FLOW_MOD_BAD_TABLE] = {{5, 257}, {5, 2}},
	[OFERR_OVERLAP] = {{3, 1}, {5, 3}},
	[OFERR_FLOW_MOD_EPERM] = {{3, 2}, {5, 4}},
	[OFERR_BAD_TIMEOUT] = {{3, 3}, {5, 5}},
	[OFERR_BAD_COMMAND] = {{3, 4}, {5, 6}},
	[OFERR_BAD_FLAGS] = {{3, 258}, {5, 7}},
	/* Of 1.0: groups are an extension, meters are not there. */
	[OFERR_GROUP_BAD_TYPE] = {{6, 10}, {6, 10}},
	[OFERR_GROUP_EXISTS] = {{6, 0}, {6, 0}},
	[OFERR_GROUP_INVALID] = {{6, 1}, {6, 1}},
	[OFERR_GROUP_OUT_OF_GROUPS] = {{6, 3}, {6, 3}},
	[OFERR_GROUP_OUT_OF_BUCKETS] = {{6, 4}, {6, 4}},
	[OFERR_GROUP_CHAINING_UNSUPPORTED] = {{6, 5}, {6, 5}},
	[OFERR_GROUP_WATCH_UNSUPPORTED] = {{6, 6}, {6, 6}},
	[OFERR_GROUP_LOOP] = {{6, 7}, {6, 7}},
	[OFERR_GROUP_UNKNOWN] = {{6, 8}, {6, 8}},
	[OFERR_GROUP_CHAINED] = {{6, 9}, {6, 9}},
	[OFERR_GROUP_BAD_COMMAND] = {{6, 11}, {6, 11}},
	[OFERR_GROUP_BAD_BUCKET] = {{6, 12}, {6, 12}},
	[OFERR_GROUP_BAD_WATCH] = {{6, 13}, {6, 13}},
	[OFERR_GROUP_UNKNOWN_BUCKET] = {{6, 15}, {6, 12}},
	[OFERR_GROUP_BUCKET_EXISTS] = {{6, 16}, {6, 12}},
	[OFERR_METER_EXISTS] = {{1, 1}, {12, 1}},
	[OFERR_METER_INVALID] = {{1, 1}, {12, 2}},
	[OFERR_METER_UNKNOWN] = {{1, 1}, {12, 3}},
	[OFERR_METER_BAD_COMMAND] = {{1, 1}, {12, 4}},
	[OFERR_METER_BAD_FLAGS] = {{1, 1}, {12, 5}},
	[OFERR_METER_BAD_RATE] = {{1, 1}, {12, 6}},
	[OFERR_METER_BAD_BAND] = {{1, 1}, {12, 8}},
	[OFERR_METER_OUT_OF_METERS] = {{1, 1}, {12, 10}},
	[OFERR_METER_OUT_OF_BANDS] = {{1, 1}, {12, 11}},
	[OFERR_PORT_MOD_BAD_PORT] = {{4, 0}, {7, 0}},
	[OFERR_PORT_MOD_BAD_HW_ADDR] = {{4, 1}, {7, 1}},
	[OFERR_PORT_MOD_BAD_CONFIG] = {{4, 0}, {7, 2}},
	[OFERR_TABLE_MOD_BAD_TABLE] = {{1, 512}, {8, 0}},
	[OFERR_TABLE_MOD_BAD_CONFIG] = {{1, 5}, {8, 1}},
	[OFERR_QUEUE_BAD_PORT] = {{5, 0}, {9, 0}},
	[OFERR_QUEUE_BAD_QUEUE] = {{5, 1}, {9, 1}},
	[OFERR_CONFIG_BAD_FLAGS] = {{1, 5}, {10, 0}},
	[OFERR_CONFIG_BAD_LEN] = {{1, 6}, {10, 1}},
	[OFERR_ROLE_STALE] = {{1, 5}, {11, 0}},
	[OFERR_ROLE_BAD] = {{1, 513}, {11, 2}},
	[OFERR_ASYNC_UNSUPPORTED] = {{1, 5}, {1, 5}},
	[OFERR_ROLE_ID_IN_USE] = {{1, 513}, {11, 2}},
	[OFERR_TABLE_FEATURES_EPERM] = {{1, 5}, {13, 5}},
	[OFERR_MUST_BE_ZERO] = {{1, 515}, {NX, 4}},
	[OFERR_ACTION_MUST_BE_ZERO] = {{2, 256}, {NX, 11}},
	[OFERR_BAD_CONJUNCTION] = {{2, 526}, {NX, 15}},
	[OFERR_PROP_BAD_TYPE] = {{13, 2}, {13, 2}},
	[OFERR_PROP_BAD_LEN] = {{13, 3}, {13, 3}},
	[OFERR_PROP_BAD_VALUE] = {{13, 4}, {13, 4}},
	[OFERR_PROP_BAD_EXPERIMENTER] = {{13, 2}, {13, 2}},
	[OFERR_PROP_BAD_EXP_TYPE] = {{13, 2}, {13, 2}},
	[OFERR_INVALID_TLV_FIELD] = {{1, 536}, {NX, 37}},
	[OFERR_TLV_BAD_COMMAND] = {{1, 527}, {NX, 16}},
	[OFERR_TLV_BAD_OPT_LEN] = {{1, 528}, {NX, 17}},
	[OFERR_TLV_BAD_FIELD_IDX] = {{1, 529}, {NX, 18}},
	[OFERR_TLV_TABLE_FULL] = {{1, 530}, {NX, 19}},
	[OFERR_TLV_ALREADY_MAPPED] = {{1, 531}, {NX, 20}},
	[OFERR_TLV_DUP_ENTRY] = {{1, 532}, {NX, 21}},
	[OFERR_TLV_INVALID_DEL] = {{1, 537}, {NX, 38}},
	[OFERR_NX_NOT_SUPPORTED] = {{1, 533}, {NX, 34}},
	[OFERR_NX_STALE] = {{1, 534}, {NX, 35}},
	[OFERR_NOT_CONFIGURED] = {{1, 535}, {NX, 36}},
	/* Nicira's for 1.0 and 1.3 knows three of them, and is 1.4's otherwise. */
	[OFERR_MONITOR_NO_ROOM] = {{1, 5}, {1, 5}},
	[OFERR_MONITOR_EXISTS] = {{1, 517}, {NX, 6}},
	[OFERR_MONITOR_UNKNOWN] = {{1, 519}, {NX, 8}},
	[OFERR_MONITOR_BAD_COMMAND] = {{1, 518}, {NX, 7}},
	[OFERR_MONITOR_BAD_FLAGS] = {{1, 518}, {NX, 7}},
	[OFERR_MONITOR_BAD_TABLE] = {{1, 512}, {1, 9}},
	[OFERR_MONITOR_BAD_OUT] = {{2, 4}, {2, 4}},
	/* 1.0 has no bundles. */
	[OFERR_BUNDLE_BAD_ID] = {{1, 1}, {NX, 2302}},
	[OFERR_BUNDLE_CLOSED] = {{1, 1}, {NX, 2304}},
	[OFERR_BUNDLE_OUT_OF_BUNDLES] = {{1, 1}, {NX, 2305}},
	[OFERR_BUNDLE_BAD_TYPE] = {{1, 1}, {NX, 2306}},
	[OFERR_BUNDLE_BAD_FLAGS] = {{1, 1}, {NX, 2307}},
	[OFERR_BUNDLE_MSG_BAD_LEN] = {{1, 1}, {NX, 2308}},
	[OFERR_BUNDLE_MSG_BAD_XID] = {{1, 1}, {NX, 2309}},
	[OFERR_BUNDLE_MSG_UNSUP] = {{1, 1}, {NX, 2310}},
	[OFERR_BUNDLE_MSG_TOO_MANY] = {{1, 1}, {NX, 2312}},
	[OFERR_BUNDLE_MSG_FAILED] = {{1, 1}, {NX, 2313}},
	[OFERR_BUNDLE_SCHED_UNSUP] = {{1, 1}, {NX, 2316}},
};

static const char *const texts[OFERR_MAX] = {
#define OF_ERROR(ID, text) [OFERR_##ID] = text,
#include "ofctl/openflow/errors.def"
#undef OF_ERROR
};

#define OFPET14_BUNDLE_FAILED 17

struct own_code {
	enum of_error err;
	struct of_error_code code;
};

/* What 1.4 has numbers of its own for (7.5.4), but for bundles. */
static const struct own_code codes14[] = {
	{OFERR_DUP_INSTRUCTION, {3, 9}},
	{OFERR_PROP_BAD_TYPE, {14, 0}},
	{OFERR_PROP_BAD_LEN, {14, 1}},
	{OFERR_PROP_BAD_VALUE, {14, 2}},
	{OFERR_PROP_BAD_EXPERIMENTER, {14, 5}},
	{OFERR_PROP_BAD_EXP_TYPE, {14, 6}},
	{OFERR_MONITOR_NO_ROOM, {16, 0}},
	{OFERR_MONITOR_EXISTS, {16, 1}},
	{OFERR_MONITOR_UNKNOWN, {16, 3}},
	{OFERR_MONITOR_BAD_COMMAND, {16, 4}},
	{OFERR_MONITOR_BAD_FLAGS, {16, 5}},
	{OFERR_MONITOR_BAD_TABLE, {16, 6}},
	{OFERR_MONITOR_BAD_OUT, {16, 7}},
};

/* The same of 1.5 (7.5.4). */
static const struct own_code codes15[] = {
	{OFERR_BAD_SCHEDULE, {1, 16}},
	{OFERR_PIPELINE_FIELDS_ONLY, {1, 17}},
	{OFERR_BAD_SET_MASK, {2, 16}},
	{OFERR_BAD_METER, {2, 17}},
	{OFERR_GROUP_UNKNOWN_BUCKET, {6, 15}},
	{OFERR_GROUP_BUCKET_EXISTS, {6, 16}},
	{OFERR_ROLE_ID_IN_USE, {11, 4}},
	{OFERR_ASYNC_UNSUPPORTED, {15, 1}},
};

/* NULL: it has none. */
static const struct of_error_code *find_own(const struct own_code *all, size_t n, enum of_error err)
{
	for (size_t i = 0; i < n; i++)
		if (all[i].err == err)
			return &all[i].code;
	return NULL;
}

struct of_error_code of_error_code(uint8_t version, enum of_error err)
{
	const struct of_error_code *v13 = &codes[err].v13, *own = NULL;

	if (version == OFP10)
		return codes[err].v10;
	if (version >= OFP14 && v13->type == NX && v13->code >= ONF_ERROR_FIRST)
		return (struct of_error_code){OFPET14_BUNDLE_FAILED, v13->code - ONF_ERROR_FIRST};
	if (version >= OFP15)
		own = find_own(codes15, sizeof(codes15) / sizeof(codes15[0]), err);
	if (version >= OFP14 && !own)
		own = find_own(codes14, sizeof(codes14) / sizeof(codes14[0]), err);
	return own ? *own : *v13;
}

const char *of_error_text(enum of_error err)
{
	return err < OFERR_MAX ? texts[err] : "unknown error";
}

static bool is_nx10(const struct of_error_code *c)
{
	return c->code >= NX_ERROR_FIRST || c->type > LAST_TYPE10 ||
	       (c->type == 2 && c->code > LAST_ACTION_CODE10);
}

void of_error_encode(struct of_buf *b, uint8_t version, uint32_t xid, enum of_error err,
	const uint8_t *request, size_t len, const char *text)
{
	size_t start = of_begin(b, version, OFPT_ERROR, xid);
	struct of_error_code c = of_error_code(version, err);

	if (version == OFP10 && is_nx10(&c)) {
		of_put_u16(b, NX_ERROR_TYPE);
		of_put_u16(b, 0);
		of_put_u32(b, EXP_NICIRA);
	}
	of_put_u16(b, c.type);
	of_put_u16(b, c.code);
	if (version != OFP10 && c.type == NX)
		of_put_u32(b, c.code >= ONF_ERROR_FIRST ? EXP_ONF : EXP_NICIRA);
	if (text)
		of_put_bytes(b, text, strlen(text));
	else
		of_put_bytes(b, request,
			len < UINT16_MAX - ERROR_HEADER ? len : UINT16_MAX - ERROR_HEADER);
	of_end(b, start);
}
