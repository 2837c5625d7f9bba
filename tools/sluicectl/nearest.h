/* SPDX-License-Identifier: Apache-2.0
 *
 * The known word that is nearest to a mistyped one.
 */
#ifndef SLUICE_TOOLS_SLUICECTL_NEAREST_H
#define SLUICE_TOOLS_SLUICECTL_NEAREST_H

struct nearest {
	const char *text;
	unsigned distance; /* of the best so far */
	char best[64];     /* empty: nothing is near */
	char hint[96];
};

void nearest_start(struct nearest *n, const char *text);
void nearest_try(struct nearest *n, const char *word);

/* "; did you mean X?", or "". Lives as long as `n`. */
const char *nearest_hint(struct nearest *n);

#endif
