/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "ofctl/pipeline/xlate_more.h"

void xlate_clone(struct xlate *x, const struct of_actions *acts)
{
	(void)acts;
	x->error = -EOPNOTSUPP;
}

void xlate_check_pkt_larger(struct xlate *x, const struct of_action *a)
{
	(void)a;
	x->error = -EOPNOTSUPP;
}

void xlate_output_trunc(struct xlate *x, const struct of_action *a)
{
	(void)a;
	x->error = -EOPNOTSUPP;
}
