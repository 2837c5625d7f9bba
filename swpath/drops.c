/* SPDX-License-Identifier: Apache-2.0
 *
 * Names of the reasons for which packets are dropped.
 */
#include "swpath/worker.h"

static const struct {
	const char *name, *meaning;
} drops[SWPATH_DROP_MAX] = {
#define DROP(ID, NAME, MEANING) [SWPATH_DROP_##ID] = {NAME, MEANING},
	SWPATH_DROPS(DROP)
#undef DROP
};

const char *swpath_drop_name(enum swpath_drop d)
{
	return d < SWPATH_DROP_MAX ? drops[d].name : "unknown";
}

const char *swpath_drop_meaning(enum swpath_drop d)
{
	return d < SWPATH_DROP_MAX ? drops[d].meaning : "unknown";
}

void swpath_drop_count(struct swpath *sp, unsigned worker, enum swpath_drop why)
{
	sp->worker[worker].drops[why]++;
}
