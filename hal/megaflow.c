/* SPDX-License-Identifier: Apache-2.0 */
#include "hal/megaflow.h"

#include <stdlib.h>

uint64_t hal_megaflow_sw_packets(const struct hal_megaflow *mf)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < mf->n_sw; i++)
		sum += atomic_load_explicit(&hal_megaflow_sw(mf, i)->packets, memory_order_relaxed);
	return sum;
}

struct hal_megaflow_hw *hal_megaflow_hw_make(struct hal_megaflow *mf)
{
	struct hal_megaflow_hw *hw = hal_megaflow_hw(mf);

	if (hw)
		return hw;
	hw = calloc(1, sizeof(*hw));
	if (!hw)
		return NULL;
	for (unsigned i = 0; i < HAL_MAX_DEVICES; i++)
		hal_reason_clear(&hw->slot[i].reason);
	atomic_store_explicit(&mf->hw, hw, memory_order_release);
	return hw;
}

uint32_t hal_program_output(const struct hal_program *p)
{
	const struct hal_act_output *out = (const struct hal_act_output *)p->steps;

	return p->len == sizeof(*out) && out->a.type == ACTION_OUTPUT ? out->port : HAL_PORT_NONE;
}
