/* SPDX-License-Identifier: Apache-2.0
 *
 * Meters: the instruction of OpenFlow 1.3 and the action of 1.5.
 */
#include "ofctl/pipeline/meter.h"
#include "ofctl/pipeline/xlate_more.h"

void xlate_meter(struct xlate *x, uint32_t id)
{
	const struct pl_meter *m = bridge_meter(x->br, id);
	struct hal_act_meter *a;

	xlate_depend(x, (struct dep_key){DEP_METER, x->br->id, id});
	if (!m)
		return;
	a = hal_builder_add(&x->out, ACTION_METER, sizeof(*a));
	if (!a)
		return;
	a->meter = m->dp_id;
	xlate_useful(x); /* it counts, even what is dropped after it */
	/* Which packets get another DSCP shows only then. */
	if (meter_remarks(m))
		xlate_freeze_after(x, NULL, NULL);
}
