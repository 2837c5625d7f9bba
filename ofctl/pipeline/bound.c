/* SPDX-License-Identifier: Apache-2.0
 *
 * Masks of megaflows kept few: beyond so many masks at an input port, a new megaflow takes the mask
 * that all of them make together, as far as the packet has those fields.
 *
 * A classifier's work grows with the number of masks, and crafted packets can make one after the
 * other ("tuple space explosion"). A megaflow that looks at more than it had to covers fewer
 * packets, and every one of them rightly.
 */
#include <string.h>

#include "hal/field.h"
#include "ofctl/pipeline/pipeline_priv.h"
#include "ofctl/pipeline/xlate.h"
#include "swpath/swpath.h"

/* Adds what `all` has of fields that the packet has; true if something came anew. */
static bool add_fields(const struct hal_key *key, const struct hal_key *all, struct hal_key *mask)
{
	const struct xlate_key value = {.dp = *key}, union_mask = {.dp = *all};
	struct xlate_key wide = {.dp = *mask};
	uint8_t old[HAL_VALUE_MAX], more[HAL_VALUE_MAX], both[HAL_VALUE_MAX];

	for (unsigned i = 0; i < FIELD_MAX; i++) {
		enum hal_field_id id = (enum hal_field_id)i;
		unsigned n = hal_field_bytes(id);

		if (!hal_field_is_dp(id) || hal_fields[id].offset + n > sizeof(struct hal_key) ||
			!hal_field_prereq_ok(id, &value, &wide))
			continue;
		hal_field_get(id, &union_mask, more);
		hal_field_get(id, &wide, old);
		for (unsigned j = 0; j < n; j++)
			both[j] = more[j] | old[j];
		if (memcmp(both, old, n))
			hal_field_set(id, &wide, both, NULL);
	}
	if (!memcmp(mask, &wide.dp, sizeof(*mask)))
		return false;
	*mask = wide.dp;
	return true;
}

void bound_mask(
	struct pipeline *pl, unsigned worker, const struct hal_key *key, struct hal_key *mask)
{
	struct hal_key all;

	if (!pl->sp || !swpath_masks_full(pl->sp, worker, key, mask, &all))
		return;
	/* A field may be the prerequisite of one that comes before it. */
	while (add_fields(key, &all, mask))
		;
	xlate_simplify(key, mask);
	atomic_fetch_add_explicit(&pl->bounded, 1, memory_order_relaxed);
}
