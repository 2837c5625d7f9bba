/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "ofctl/pipeline/xlate_more.h"

void xlate_output_reg(struct xlate *x, const struct of_action *a)
{
	(void)a;
	x->error = -EOPNOTSUPP;
}

void xlate_stack(struct xlate *x, const struct of_action *a)
{
	(void)a;
	x->error = -EOPNOTSUPP;
}
