/* SPDX-License-Identifier: Apache-2.0
 *
 * Zones: how many connections they may have, and how long these live.
 */
#include <errno.h>
#include <stdlib.h>
#include <strings.h>

#include "hal/base/rcu.h"
#include "hal/mutation.h"
#include "swpath/ct/ct.h"

static const struct {
	const char *name;
	uint32_t seconds;
} timeouts[CONNTRACK_TIMEOUT_MAX] = {
#define TIMEOUT(ID, NAME, SECONDS) [CONNTRACK_TIMEOUT_##ID] = {NAME, SECONDS},
	CONNTRACK_TIMEOUTS(TIMEOUT)
#undef TIMEOUT
};

enum conntrack_timeout conntrack_timeout_by_name(const char *name)
{
	unsigned t = 0;

	while (t < CONNTRACK_TIMEOUT_MAX && strcasecmp(name, timeouts[t].name) != 0)
		t++;
	return (enum conntrack_timeout)t;
}

int conntrack_set_timeouts(
	struct conntrack *ct, uint16_t zone, const struct conntrack_timeouts *want)
{
	struct conntrack_timeouts *new = NULL, *old;

	if (want) {
		new = malloc(sizeof(*new));
		if (!new)
			return -ENOMEM;
		*new = *want;
	}
	old = atomic_exchange_explicit(&ct->zone[zone].timeouts, new, memory_order_acq_rel);
	if (old)
		rcu_defer(free, old);
	return 0;
}

/* A timeout of the zone's own, or the default. */
static uint32_t seconds_of(const struct conntrack_timeouts *own, enum conntrack_timeout t)
{
	return own && own->seconds[t] ? own->seconds[t] : timeouts[t].seconds;
}

void conntrack_get_timeouts(
	const struct conntrack *ct, uint16_t zone, struct conntrack_timeouts *out)
{
	const struct conntrack_timeouts *own = atomic_load(&ct->zone[zone].timeouts);

	for (unsigned t = 0; t < CONNTRACK_TIMEOUT_MAX; t++)
		out->seconds[t] = seconds_of(own, (enum conntrack_timeout)t);
}

uint32_t ct_timeout_ms(const struct conntrack *ct, uint16_t zone, enum conntrack_timeout t)
{
	const struct conntrack_timeouts *own =
		atomic_load_explicit(&ct->zone[zone].timeouts, memory_order_acquire);
	uint32_t seconds = seconds_of(own, t);

	return RTE_MIN(seconds, UINT32_MAX / 1000) * 1000;
}

static uint32_t limit_of(const struct conntrack *ct, uint16_t zone)
{
	uint32_t limit = atomic_load_explicit(&ct->zone[zone].limit, memory_order_relaxed);

	return limit ? limit - 1 : atomic_load_explicit(&ct->default_limit, memory_order_relaxed);
}

bool ct_zone_take(struct conntrack *ct, uint16_t zone)
{
	uint32_t limit = limit_of(ct, zone);
	uint32_t was = atomic_fetch_add_explicit(&ct->zone[zone].count, 1, memory_order_relaxed);

	if (!limit || MUTATE(428, was < limit, true))
		return true;
	ct_zone_give(ct, zone);
	return false;
}

void ct_zone_give(struct conntrack *ct, uint16_t zone)
{
	atomic_fetch_sub_explicit(&ct->zone[zone].count, 1, memory_order_relaxed);
}

void conntrack_set_default_limit(struct conntrack *ct, uint32_t limit)
{
	atomic_store(&ct->default_limit, limit);
}

uint32_t conntrack_default_limit(const struct conntrack *ct)
{
	return atomic_load(&ct->default_limit);
}

void conntrack_set_limit(struct conntrack *ct, uint16_t zone, uint32_t limit)
{
	atomic_store(&ct->zone[zone].limit, RTE_MIN(limit, UINT32_MAX - 1) + 1);
}

bool conntrack_del_limit(struct conntrack *ct, uint16_t zone)
{
	return atomic_exchange(&ct->zone[zone].limit, 0) != 0;
}

bool conntrack_get_limit(
	const struct conntrack *ct, uint16_t zone, uint32_t *limit, uint32_t *count)
{
	*limit = limit_of(ct, zone);
	*count = atomic_load(&ct->zone[zone].count);
	return atomic_load(&ct->zone[zone].limit) != 0;
}

void ct_zones_destroy(struct conntrack *ct)
{
	for (unsigned z = 0; ct->zone && z <= UINT16_MAX; z++)
		free(atomic_load(&ct->zone[z].timeouts));
	free(ct->zone);
}
