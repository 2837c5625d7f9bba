/* SPDX-License-Identifier: Apache-2.0
 *
 * The words of the text syntax: reserved ports, flags and fragment kinds, shared by the printer
 * and the parser of field values.
 *
 * Thread-safety: const data.
 */
#ifndef SLUICE_HAL_FIELD_NAMES_H
#define SLUICE_HAL_FIELD_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hal/field.h"

/* OpenFlow's reserved port numbers (OpenFlow 1.3, 4.5). NULL, or false, if there is none. */
const char *hal_port_word(uint32_t port);
bool hal_port_by_word(const char *word, uint32_t *port);

/* Names of single bits, ended by a NULL name. NULL for a format that is not flags. */
struct hal_flag {
	uint32_t bit;
	const char *name;
};
const struct hal_flag *hal_flags(enum hal_format format);

/* The two fragment bits: words for value and mask, ended by a NULL word. */
struct hal_frag_word {
	const char *word;
	uint8_t value, mask;
};
extern const struct hal_frag_word hal_frag_words[];

#endif
