/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/sluicectl/nearest.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define MAX_WORD 63 /* characters that are compared */

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;

	return m < c ? m : c;
}

static char fold(char c)
{
	return c == '_' || c == '/' ? '-' : c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Insertions, deletions, substitutions and swaps of neighbours between the two words. */
static unsigned distance(const char *a, const char *b)
{
	unsigned before[MAX_WORD + 1], last[MAX_WORD + 1], now[MAX_WORD + 1];
	size_t na = strnlen(a, MAX_WORD), nb = strnlen(b, MAX_WORD);

	for (size_t j = 0; j <= nb; j++)
		last[j] = (unsigned)j;
	memcpy(before, last, sizeof(before));
	for (size_t i = 1; i <= na; i++) {
		now[0] = (unsigned)i;
		for (size_t j = 1; j <= nb; j++) {
			char x = fold(a[i - 1]), y = fold(b[j - 1]);

			now[j] = min3(last[j] + 1, now[j - 1] + 1, last[j - 1] + (x != y));
			if (i > 1 && j > 1 && x == fold(b[j - 2]) && y == fold(a[i - 2]) &&
				before[j - 2] + 1 < now[j])
				now[j] = before[j - 2] + 1;
		}
		memcpy(before, last, sizeof(before));
		memcpy(last, now, sizeof(last));
	}
	return last[nb];
}

void nearest_start(struct nearest *n, const char *text)
{
	/* Half of a word may be wrong, but not more. */
	*n = (struct nearest){.text = text, .distance = (unsigned)strnlen(text, MAX_WORD) / 2 + 1};
}

void nearest_try(struct nearest *n, const char *word)
{
	unsigned d = distance(n->text, word);

	/* The beginning of a word, or a word inside, was left unfinished rather than mistyped. */
	if (strlen(n->text) >= 3 && strcasestr(word, n->text))
		d = 1;
	if (d < n->distance) {
		n->distance = d;
		snprintf(n->best, sizeof(n->best), "%s", word);
	}
}

const char *nearest_hint(struct nearest *n)
{
	n->hint[0] = '\0';
	if (n->best[0])
		snprintf(n->hint, sizeof(n->hint), "; did you mean \"%s\"?", n->best);
	return n->hint;
}
