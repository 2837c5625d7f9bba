/* SPDX-License-Identifier: Apache-2.0
 *
 * Where members of a datapath key lie in headers, as act_pedit counts offsets.
 *
 * Thread-safety: constant.
 */
#ifndef SLUICE_DRIVERS_TC_PEDIT_FIELDS_H
#define SLUICE_DRIVERS_TC_PEDIT_FIELDS_H

#include <stdbool.h>
#include <stdint.h>

#include "hal/key.h"

struct tc_pedit_field {
	uint16_t at, size; /* bytes of struct hal_key */
	uint16_t header;   /* TCA_PEDIT_KEY_EX_HDR_TYPE_* */
	uint16_t offset;   /* in the header */
	uint8_t shift;     /* 4: half a byte further on, over size + 1 bytes */
	bool transport; /* in the pseudo-header or the transport header: its checksum covers it */
	bool ipv4_sum;  /* the IPv4 header's checksum covers it */
};

struct tc_pedit_list {
	const struct tc_pedit_field *field;
	unsigned n;
};

/* What packets that are known by value and mask have, header by header; n = 0 ends the list. */
#define TC_PEDIT_HEADERS 3
void tc_pedit_fields(const struct hal_key *value, const struct hal_key *mask,
	struct tc_pedit_list list[TC_PEDIT_HEADERS]);

#endif
