/* SPDX-License-Identifier: Apache-2.0
 *
 * What is shown of a megaflow on a device, and the sums over them. All under the device's lock.
 */
#include <string.h>

#include "offload/internal.h"

static uint64_t wall_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void count(struct offload_device_info *info, const struct hal_offload_slot *s, uint64_t by)
{
	switch (s->placement) {
	case PLACEMENT_PENDING:
		info->pending += by;
		break;
	case PLACEMENT_PLACED:
		info->placed += by;
		break;
	case PLACEMENT_REFUSED:
		info->refused += by;
		info->refused_by[s->reason.code] += by;
		break;
	default:
		break;
	}
}

void slot_write(struct device *dev, struct hal_megaflow *mf, enum hal_placement p,
	const struct hal_reason *r)
{
	struct hal_offload_slot *s = &hal_megaflow_hw(mf)->slot[dev->index];

	pthread_mutex_lock(&dev->lock);
	count(&dev->info, s, -1ull);
	if (p != s->placement && p != PLACEMENT_REMOVING && p != PLACEMENT_REMOVED) {
		s->verified = false;
		s->in_kernel = dev->caps->by_kernel; /* until it is read that hardware has it */
	}
	if (r) { /* the same refusal again is as old as the first */
		bool same = s->reason.code == r->code && s->placement == PLACEMENT_REFUSED;
		uint64_t since = same ? s->reason.since_ms : wall_ms();

		s->reason = *r;
		s->reason.since_ms = since;
	} else if (p == PLACEMENT_PLACED || p == PLACEMENT_REMOVED) {
		hal_reason_clear(&s->reason);
	}
	s->placement = p;
	count(&dev->info, s, 1);
	pthread_mutex_unlock(&dev->lock);
}

void slot_set(struct device *dev, struct claim *c, enum hal_placement p, const struct hal_reason *r)
{
	slot_write(dev, c->flow->mf, p, r);
}

void slot_verified(struct device *dev, struct claim *c)
{
	pthread_mutex_lock(&dev->lock);
	hal_megaflow_hw(c->flow->mf)->slot[dev->index].verified = true;
	pthread_mutex_unlock(&dev->lock);
}

void slot_in_kernel(struct device *dev, struct claim *c, bool in_kernel)
{
	pthread_mutex_lock(&dev->lock);
	hal_megaflow_hw(c->flow->mf)->slot[dev->index].in_kernel = in_kernel;
	pthread_mutex_unlock(&dev->lock);
}

void offload_slot_read(struct offload *ol, const struct hal_megaflow *mf, unsigned device,
	struct hal_offload_slot *out)
{
	const struct hal_megaflow_hw *hw = hal_megaflow_hw(mf);
	struct device *dev = device_at(ol, device);

	memset(out, 0, sizeof(*out));
	hal_reason_clear(&out->reason);
	if (!dev || !hw)
		return;
	pthread_mutex_lock(&dev->lock);
	*out = hw->slot[device];
	pthread_mutex_unlock(&dev->lock);
}
