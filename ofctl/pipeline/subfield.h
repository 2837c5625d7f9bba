/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs of bits of fields (struct of_subfield), read and written by translation.
 *
 * Values are right-aligned in 16 bytes, most significant first; a longer run is cut to its low 128
 * bits.
 *
 * Thread-safety: as xlate.h.
 */
#ifndef SLUICE_OFCTL_PIPELINE_SUBFIELD_H
#define SLUICE_OFCTL_PIPELINE_SUBFIELD_H

#include "ofctl/pipeline/xlate.h"

#define SUBFIELD_BYTES 16

/* Needs the bits, with what the field's prerequisite is decided by, and reads them. */
void subfield_read(struct xlate *x, const struct of_subfield *sf, uint8_t value[SUBFIELD_BYTES]);

/* Writes the low bits of `value` as set_field does. */
void subfield_write(
	struct xlate *x, const struct of_subfield *sf, const uint8_t value[SUBFIELD_BYTES]);
void subfield_write_u64(struct xlate *x, const struct of_subfield *sf, uint64_t value);

/* The low bits of `value` as value and mask of the whole field in wire form (HAL_VALUE_MAX bytes
 * each). */
void subfield_expand(const struct of_subfield *sf, const uint8_t value[SUBFIELD_BYTES], uint8_t *v,
	uint8_t *mask);

/* The last 8 bytes. */
uint64_t subfield_u64(const uint8_t value[SUBFIELD_BYTES]);

/* A port number as fields of 16 bits hold it, too: reserved ports are the highest of either width.
 */
uint32_t subfield_port(uint64_t value);

#endif
