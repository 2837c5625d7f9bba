/* SPDX-License-Identifier: Apache-2.0
 *
 * Rules: what a driver holds in a device for a megaflow.
 *
 * Thread-safety: plain data. `match` and `program` are borrowed: they stay valid until the
 * operation that carries them has completed; a driver copies what it needs longer.
 */
#ifndef SLUICE_HAL_RULE_H
#define SLUICE_HAL_RULE_H

#include <stdbool.h>
#include <stdint.h>

#include "hal/action.h"
#include "hal/match.h"

/* Names a megaflow, and its rule in every device. */
struct hal_ufid {
	uint64_t u[2];
};

static inline bool hal_ufid_equal(const struct hal_ufid *a, const struct hal_ufid *b)
{
	return a->u[0] == b->u[0] && a->u[1] == b->u[1];
}

#define HAL_UFID_STR 37 /* bytes of "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx" with its NUL */
void hal_ufid_format(const struct hal_ufid *ufid, char buf[HAL_UFID_STR]);
int hal_ufid_parse(const char *text, struct hal_ufid *ufid); /* 0 or -EINVAL */

struct hal_rule {
	struct hal_ufid ufid;
	const struct hal_cmatch *match; /* over a datapath key; chain 0 leaves recirc_id out */
	const struct hal_program *program;
	uint32_t chain;    /* recirculation id that leads here, 0: packets from ports */
	uint32_t priority; /* higher wins; megaflows of one chain share one */
};

#endif
