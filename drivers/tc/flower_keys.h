/* SPDX-License-Identifier: Apache-2.0
 *
 * Members of a datapath key that are flower's keys byte for byte.
 *
 * Thread-safety: constant.
 */
#ifndef SLUICE_DRIVERS_TC_FLOWER_KEYS_H
#define SLUICE_DRIVERS_TC_FLOWER_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hal/key.h"

/* `at`: the member's bytes in struct hal_key. A key without a mask attribute is exact. */
struct tc_flower_key {
	uint16_t attr, mask_attr; /* TCA_FLOWER_KEY_*; mask_attr 0: there is none */
	uint16_t at, size;
};

struct tc_flower_keys {
	const struct tc_flower_key *key;
	unsigned n;
};

/* By what a packet is. */
extern const struct tc_flower_keys tc_flower_ethernet, tc_flower_arp;
struct tc_flower_keys tc_flower_ip(
	rte_be16_t eth_type); /* addresses and header; 0 of them: no IP */
struct tc_flower_keys tc_flower_l4(rte_be16_t eth_type, uint8_t proto); /* 0 of them: others */

static inline bool tc_is_tpid(rte_be16_t type)
{
	return type == RTE_BE16(0x8100) || type == RTE_BE16(0x88a8);
}

/* Whether there is anything in `n` bytes. */
static inline int tc_any(const void *at, size_t n)
{
	const uint8_t *p = (const uint8_t *)at;
	uint8_t any = 0;

	while (n--)
		any |= *p++;
	return any;
}

#endif
