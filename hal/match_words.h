/* SPDX-License-Identifier: Apache-2.0
 *
 * The protocol words of the text syntax ("tcp", "arp"): each stands for an ethertype and perhaps
 * an IP protocol.
 *
 * Thread-safety: const data.
 */
#ifndef SLUICE_HAL_MATCH_WORDS_H
#define SLUICE_HAL_MATCH_WORDS_H

#include <stdint.h>

struct hal_match_word {
	const char *word;
	uint16_t eth_type;
	int16_t ip_proto; /* or -1 */
};

extern const struct hal_match_word hal_match_words[]; /* ended by a NULL word */

#endif
