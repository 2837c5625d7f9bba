/* SPDX-License-Identifier: Apache-2.0
 *
 * Tunnel options as fields of a match: tun_metadata0 to tun_metadata63.
 *
 * What: each stands for the option that the TLV table (hal/tlv.h) maps to it. A match on one needs
 * the option to be there, whatever else it says of its value.
 * Thread-safety: the functions touch only their arguments, and read the TLV table (control thread,
 * or under RCU).
 */
#ifndef SLUICE_HAL_OPTION_H
#define SLUICE_HAL_OPTION_H

#include <stdbool.h>

#include "hal/match.h"
#include "hal/text.h"

/* The largest value of an option, bytes. */
#define HAL_OPTION_MAX 124

/* "tun_metadata<n>". False if the name is no option's. */
bool hal_option_by_name(const char *name, size_t len, unsigned *n);

/* Bytes of option n's value; 0 if it is not mapped. */
unsigned hal_option_bytes(unsigned n);

/* Adds a match on option n, which is mapped: value and mask of its bytes (mask NULL: exact). */
void hal_option_match(struct hal_match *m, unsigned n, const uint8_t *value, const uint8_t *mask);

/* The other way: false if the match says nothing of option n. `*exact`: of every bit. */
bool hal_option_matched(
	const void *value, const void *mask, unsigned n, uint8_t *v, uint8_t *v_mask, bool *exact);

/* Prints "tun_metadata0=0x12/0xff,tun_metadata3" of a match, with a comma before each if there is
 * text already. What it has of presence and of values that no option says stays: *present, *opts.
 */
void hal_options_put(
	struct hal_text *t, const void *value, const void *mask, bool *present, bool *opts);

/* Reads "VALUE" or "VALUE/MASK", right-aligned in `bytes` bytes. 0, or -EINVAL with a message. */
int hal_option_parse(unsigned n, unsigned bytes, const char *text, uint8_t *value, uint8_t *mask,
	char *err, size_t err_n);

/* Prints "0x12/0xff"; mask NULL: exact. */
void hal_option_put(struct hal_text *t, const uint8_t *value, const uint8_t *mask, unsigned bytes);

#endif
