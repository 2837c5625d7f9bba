/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "ofctl/pipeline/xlate_more.h"

void xlate_group(struct xlate *x, uint32_t group)
{
	(void)group;
	x->error = -EOPNOTSUPP;
}

void xlate_meter(struct xlate *x, uint32_t meter)
{
	(void)meter;
	x->error = -EOPNOTSUPP;
}
