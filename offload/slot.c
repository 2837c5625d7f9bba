/* SPDX-License-Identifier: Apache-2.0
 *
 * What is shown of a megaflow on a device, and the sums over them. All under the device's lock.
 */
#include <string.h>

#include "offload/internal.h"

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

/* What the change is for somebody who reads of it later, DECISION_MAX: nothing. */
static enum offload_decision_type decision_of(
	const struct hal_offload_slot *s, enum hal_placement to, const struct hal_reason *r)
{
	const enum hal_placement from = s->placement;

	switch (to) {
	case PLACEMENT_PLACED:
		return from == to ? DECISION_MAX : DECISION_PLACED;
	case PLACEMENT_REFUSED:
		return from == to && s->reason.code == r->code ? DECISION_MAX : DECISION_REFUSED;
	case PLACEMENT_REMOVED:
		return from == PLACEMENT_PLACED || from == PLACEMENT_REMOVING ? DECISION_REMOVED
									      : DECISION_MAX;
	default:
		return DECISION_MAX;
	}
}

static void tell(struct device *dev, const struct hal_megaflow *mf, enum offload_decision_type type,
	const struct hal_reason *r)
{
	const struct offload_decision d = {
		.device = dev->index, .type = type, .ufid = mf->ufid, .chain = mf->chain};

	if (type != DECISION_MAX)
		decision_add(&dev->ol->decisions, &d, mf->match, r);
}

/* The same refusal again is as old as the first. */
static void refuse(struct hal_offload_slot *s, const struct hal_reason *r)
{
	bool same = s->reason.code == r->code && s->placement == PLACEMENT_REFUSED;
	uint64_t since = same ? s->reason.since_ms : wall_ms();

	s->reason = *r;
	s->reason.since_ms = since;
}

static void write_slot(struct device *dev, struct hal_megaflow *mf, enum hal_placement p,
	const struct hal_reason *r, enum offload_decision_type type)
{
	struct hal_offload_slot *s = &hal_megaflow_hw(mf)->slot[dev->index];

	pthread_mutex_lock(&dev->lock);
	if (type == DECISION_MAX)
		type = decision_of(s, p, r);
	count(&dev->info, s, -1ull);
	if (p != s->placement && p != PLACEMENT_REMOVING && p != PLACEMENT_REMOVED) {
		s->verified = false;
		s->in_kernel = dev->caps->by_kernel; /* until it is read that hardware has it */
	}
	if (r)
		refuse(s, r);
	else if (p == PLACEMENT_PLACED || p == PLACEMENT_REMOVED)
		hal_reason_clear(&s->reason);
	s->placement = p;
	count(&dev->info, s, 1);
	pthread_mutex_unlock(&dev->lock);
	tell(dev, mf, type, r);
}

void slot_write(struct device *dev, struct hal_megaflow *mf, enum hal_placement p,
	const struct hal_reason *r)
{
	write_slot(dev, mf, p, r, DECISION_MAX);
}

void slot_set(struct device *dev, struct claim *c, enum hal_placement p, const struct hal_reason *r)
{
	write_slot(dev, c->flow->mf, p, r, DECISION_MAX);
}

void slot_placed_as(struct device *dev, struct claim *c, enum offload_decision_type type)
{
	write_slot(dev, c->flow->mf, PLACEMENT_PLACED, NULL, type);
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
