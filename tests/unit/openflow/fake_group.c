/* SPDX-License-Identifier: Apache-2.0
 *
 * Groups and meters of the pipeline that forwards nothing: kept in arrays by their ids, with
 * counters made of their numbers.
 */
#include <errno.h>
#include <string.h>

#include "tests/unit/openflow/fake_pipeline.h"

#define MAX 64

static struct of_group groups[MAX];
static bool has_group[MAX];
static struct of_meter_mod meters[MAX];
static bool has_meter[MAX];

void fake_groups_reset(void)
{
	for (unsigned i = 0; i < MAX; i++) {
		if (has_group[i])
			of_group_free(&groups[i]);
		has_group[i] = has_meter[i] = false;
	}
}

enum of_error pl_group_mod(struct pl_bridge *br, const struct of_group_mod *gm)
{
	uint32_t id = gm->group.id;
	struct of_group copy;

	(void)br;
	if (gm->command == OF_GROUP_DELETE && id == OF_GROUP_ALL_ID) {
		for (unsigned i = 0; i < MAX; i++)
			if (has_group[i]) {
				of_group_free(&groups[i]);
				has_group[i] = false;
			}
		return OFERR_OK;
	}
	if (id >= MAX)
		return OFERR_GROUP_INVALID;
	if (gm->command == OF_GROUP_ADD && has_group[id])
		return OFERR_GROUP_EXISTS;
	if (gm->command == OF_GROUP_MODIFY && !has_group[id])
		return OFERR_GROUP_UNKNOWN;
	if (gm->command != OF_GROUP_DELETE && of_group_copy(&copy, &gm->group))
		return OFERR_GROUP_OUT_OF_GROUPS;
	if (has_group[id])
		of_group_free(&groups[id]);
	has_group[id] = gm->command != OF_GROUP_DELETE;
	if (has_group[id])
		groups[id] = copy;
	return OFERR_OK;
}

int pl_group_list(struct pl_bridge *br, uint32_t id,
	void (*cb)(void *ctx, const struct of_group_stats *gs), void *ctx)
{
	uint64_t packets[256], bytes[256];

	(void)br;
	for (unsigned i = 0; i < 256; i++) {
		packets[i] = fake_number(FAKE_OTHER, i, i);
		bytes[i] = fake_number(FAKE_OTHER, 256 + i, 100 * i);
	}
	if (id != OF_GROUP_ALL_ID && (id >= MAX || !has_group[id]))
		return -ENOENT;
	for (unsigned i = 0; i < MAX; i++) {
		struct of_group_stats gs = {.group = &groups[i],
			.ref_count = (uint32_t)fake_number(FAKE_COUNT, i, 3),
			.packets = fake_number(FAKE_PACKETS, i, 7),
			.bytes = fake_number(FAKE_BYTES, i, 700),
			.duration_ns = 1234567890,
			.bucket_packets = packets,
			.bucket_bytes = bytes};

		if (has_group[i] && (id == OF_GROUP_ALL_ID || id == i))
			cb(ctx, &gs);
	}
	return 0;
}

enum of_error pl_meter_mod(struct pl_bridge *br, const struct of_meter_mod *mm)
{
	(void)br;
	if (mm->command == OF_METER_DELETE && mm->id == OF_METER_ALL) {
		memset(has_meter, 0, sizeof(has_meter));
		return OFERR_OK;
	}
	if (!mm->id || mm->id >= MAX)
		return OFERR_METER_INVALID;
	if (mm->command == OF_METER_ADD && has_meter[mm->id])
		return OFERR_METER_EXISTS;
	if (mm->command == OF_METER_MODIFY && !has_meter[mm->id])
		return OFERR_METER_UNKNOWN;
	has_meter[mm->id] = mm->command != OF_METER_DELETE;
	meters[mm->id] = *mm;
	return OFERR_OK;
}

int pl_meter_list(struct pl_bridge *br, uint32_t id,
	void (*cb)(void *ctx, const struct of_meter_stats *ms), void *ctx)
{
	(void)br;
	if (id != OF_METER_ALL && (id >= MAX || !has_meter[id]))
		return -ENOENT;
	for (unsigned i = 0; i < MAX; i++) {
		struct of_meter_stats ms = {.id = i,
			.flags = meters[i].flags,
			.meter = &meters[i].meter,
			.flow_count = (uint32_t)fake_number(FAKE_COUNT, i, 2),
			.duration_ns = 1234567890,
			.counters = {.packets = fake_number(FAKE_PACKETS, i, 9),
				.bytes = fake_number(FAKE_BYTES, i, 900),
				.band_packets = {4, 5}}};

		for (unsigned k = 0; fake_seed && k < HAL_METER_BANDS; k++) {
			ms.counters.band_packets[k] = fake_number(FAKE_OTHER, 1024 + k, 0);
			ms.counters.band_bytes[k] = fake_number(FAKE_OTHER, 2048 + k, 0);
		}

		if (has_meter[i] && (id == OF_METER_ALL || id == i))
			cb(ctx, &ms);
	}
	return 0;
}
