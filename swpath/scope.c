/* SPDX-License-Identifier: Apache-2.0 */
#include "swpath/scope.h"

#include <string.h>

_Static_assert(offsetof(struct hal_key, in_port) == 0, "the first word has the input port");
_Static_assert(offsetof(struct hal_key, recirc_id) == 4, "the first word has the chain");

void swpath_scope_init(struct swpath_scope *s)
{
	s->n = 1;
	s->parse = false;
	s->word[0] = 0;
	s->mask[0] = UINT64_MAX;
}

/* True if the word was not wholly in it. */
static bool add_word(struct swpath_scope *s, unsigned word, uint64_t mask)
{
	unsigned i = 0;

	while (i < s->n && s->word[i] < word)
		i++;
	if (i == s->n || s->word[i] != word) {
		memmove(&s->word[i + 1], &s->word[i], (s->n - i) * sizeof(s->word[0]));
		memmove(&s->mask[i + 1], &s->mask[i], (s->n - i) * sizeof(s->mask[0]));
		s->word[i] = (uint8_t)word;
		s->mask[i] = 0;
		s->n++;
	}
	if (!(mask & ~s->mask[i]))
		return false;
	s->mask[i] |= mask;
	s->parse |= word > 0;
	return true;
}

bool swpath_scope_add(struct swpath_scope *s, const struct hal_cmatch *match)
{
	unsigned word, j = 0;
	bool more = false;

	WORDS_FOR_EACH (word, match->map)
		more |= add_word(s, word, match->w[j++]);
	return more;
}

void swpath_scope_join(struct swpath_scope *s, const struct swpath_scope *more)
{
	for (unsigned i = 0; i < more->n; i++)
		add_word(s, more->word[i], more->mask[i]);
}
