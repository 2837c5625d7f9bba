/* SPDX-License-Identifier: Apache-2.0
 *
 * What is written and read of a message.
 *
 * Thread-safety: functions touch only their arguments.
 */
#ifndef SLUICE_DRIVERS_SIM_WIRE_H
#define SLUICE_DRIVERS_SIM_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "drivers/sim/protocol.h"
#include "hal/reason.h"

struct sim_writer {
	uint8_t *buf;
	size_t n, len;
	bool full; /* something did not fit, and was left out */
};

static inline void sim_put(struct sim_writer *w, const void *data, size_t len)
{
	if (!len)
		return;
	if (w->full || len > w->n - w->len) {
		w->full = true;
		return;
	}
	memcpy(w->buf + w->len, data, len);
	w->len += len;
}

/* Writes steps as action TLVs. 0, or -errno with a reason: a step that the protocol has no form
 * for, or nested lists that make no sense. */
int sim_put_steps(struct sim_writer *w, const void *steps, size_t len, struct hal_reason *r);

/* Reads action TLVs, and appends their steps to the builder. 0, -EBADMSG or -ENOMEM. */
int sim_get_steps(struct hal_builder *b, const uint8_t *tlvs, size_t len);

#endif
