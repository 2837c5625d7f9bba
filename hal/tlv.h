/* SPDX-License-Identifier: Apache-2.0
 *
 * The TLV table: which tunnel options are known, and where their values lie in a key.
 *
 * What: entry n (tun_metadata<n> in OpenFlow) stands for the Geneve option of one class and type,
 * and has a place of its own in hal_key.tun_opts. Bit n of tun_opts_present says that it is there.
 * Why: options come in any order; a key needs each always at the same place.
 * One table serves all bridges, since all share the datapath: a second bridge may map what another
 * maps alike, and is refused what contradicts it.
 * Thread-safety: a table is immutable once published; readers under RCU.
 */
#ifndef SLUICE_HAL_TLV_H
#define SLUICE_HAL_TLV_H

#include <stdbool.h>
#include <stdint.h>

#define HAL_TLV_MAX 64

struct hal_tlv {
	bool used;
	uint16_t class; /* host order */
	uint8_t type;
	uint8_t len;    /* bytes of value, a multiple of 4, 4 to 124 */
	uint8_t offset; /* in tun_opts */
};

struct hal_tlv_table {
	struct hal_tlv entry[HAL_TLV_MAX];
};

/* The table in force, never NULL. Any thread under RCU. */
const struct hal_tlv_table *hal_tlv_table(void);

/* Control thread: adds or takes away entries. Each is numbered by its index; `offset` is chosen
 * here. What was added several times has to be taken away as often. 0, -EEXIST (the number or the
 * option is mapped otherwise), -ENOSPC (128 bytes are all), -ENOMEM, or -EINVAL; nothing is changed
 * on error. */
int hal_tlv_add(unsigned index, uint16_t class, uint8_t type, uint8_t len);
int hal_tlv_remove(unsigned index); /* -ENOENT, -ENOMEM */
void hal_tlv_clear(void);           /* all, whoever added them */

#endif
