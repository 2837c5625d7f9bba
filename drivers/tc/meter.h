/* SPDX-License-Identifier: Apache-2.0
 *
 * The book of meters, within the driver.
 *
 * Threads: the device's.
 */
#ifndef SLUICE_DRIVERS_TC_METER_H
#define SLUICE_DRIVERS_TC_METER_H

#include "drivers/tc/police.h"
#include "drivers/tc/tc.h"

struct tc_meter {
	struct hmap_node by_id, by_index;
	uint32_t id, index;
	bool ending;    /* deleted, or of a former run: it waits for the last filter to go */
	uint32_t users; /* rules of this run */
	struct tc_policer policer;
	unsigned uncounted;              /* bytes of each packet that the kernel does not count */
	uint32_t promised;               /* the batch in which a rule relies on that */
	uint64_t dropped, dropped_bytes; /* by kernel: as far as it was seen */
	struct hal_meter_stats base;     /* of the policers that were in its place before */
};

struct tc_reading {
	struct tc_standing policer, counter;
};

static inline bool tc_by_kernel(const struct tc_dev *dev)
{
	return dev->policy != TC_POLICY_SKIP_SW;
}

/* One that is not ending, or NULL. */
struct tc_meter *tc_meter_find(const struct tc_dev *dev, uint32_t id);
/* Whichever has the index. */
struct tc_meter *tc_meter_at(const struct tc_dev *dev, uint32_t index);
/* What the kernel says of it. 0, -ENOENT: it is gone, or another's, or -errno. */
int tc_meter_read(struct tc_dev *dev, const struct tc_meter *m, struct tc_reading *out);
/* A policer that nobody uses yet is made anew for packets of which the kernel leaves so many bytes
 * uncounted. 0, -EBUSY: somebody began to use it, or -errno with `r`; without memory it is gone. */
int tc_meter_remake(
	struct tc_dev *dev, struct tc_meter *m, unsigned uncounted, struct hal_reason *r);

#endif
