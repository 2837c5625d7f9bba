/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "ofctl/pipeline/xlate_more.h"

void xlate_multipath(struct xlate *x, const struct of_choice *c)
{
	(void)c;
	x->error = -EOPNOTSUPP;
}

void xlate_bundle(struct xlate *x, const struct of_choice *c)
{
	(void)c;
	x->error = -EOPNOTSUPP;
}
