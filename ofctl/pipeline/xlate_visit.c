/* SPDX-License-Identifier: Apache-2.0
 *
 * Table lookups noted: what was known of the packet at each. A new flow concerns the megaflow only
 * if it overlaps that.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ofctl/pipeline/pipeline_priv.h"
#include "ofctl/pipeline/xlate_more.h"

static struct hal_cmatch *pack(struct xlate *x, const struct hal_match *m)
{
	size_t size = hal_cmatch_size(m);
	struct hal_cmatch *cm;

	if (size <= sizeof(x->arena) - x->arena_used) {
		cm = (struct hal_cmatch *)((uint8_t *)x->arena + x->arena_used);
		x->arena_used += (unsigned)size;
	} else {
		cm = malloc(size);
	}
	if (cm)
		hal_cmatch_init(cm, m);
	return cm;
}

/* The known bits of the key. Registers that are 0 are left out: that only makes more flows concern
 * the lookup. */
static struct hal_cmatch *known_match(struct xlate *x)
{
	struct hal_match m;
	uint64_t *v = (uint64_t *)&m.value, *k = (uint64_t *)&m.mask;

	m.value = x->key;
	m.mask = x->known;
	for (unsigned i = 0; i < XLATE_KEY_WORDS; i++) {
		v[i] &= k[i];
		if (i > HAL_KEY_WORDS + 1 && !v[i])
			k[i] = 0;
	}
	return pack(x, &m);
}

/* Nothing of the packet was written or moved so far. */
static bool is_plain(const struct xlate *x)
{
	const uint64_t *written = (const uint64_t *)&x->written.dp;
	const uint64_t *key = (const uint64_t *)&x->key.dp, *orig = (const uint64_t *)x->orig;
	uint64_t any = written[0];

	/* The first word holds the input port: another one behind a patch port. */
	for (unsigned i = 1; i < HAL_KEY_WORDS; i++)
		any |= written[i] | (key[i] ^ orig[i]);
	return !any && x->vlan_from[0] == 0 && x->vlan_from[1] == 1 && x->lse_from[0] == 0 &&
	       x->lse_from[1] == 1 && x->lse_from[2] == 2 && !x->ct_swapped && !x->outer &&
	       !x->unparsed && !x->ttl_dec;
}

void xlate_visit(struct xlate *x, uint8_t table, struct flow *winner, int priority)
{
	struct visit *v = xlate_vec_add(x, &x->visits, sizeof(*v));

	if (v) {
		v->br = x->br;
		v->table = table;
		v->priority = priority;
		v->plain = is_plain(x);
		v->known = known_match(x);
		if (!v->known)
			x->error = -ENOMEM;
	}
	if (winner)
		xlate_depend(x, dep_key_flow(winner));
}

/* True if the megaflow knows more of its packets than was known at the visit. */
static bool knows_more(const struct hal_cmatch *known, const struct hal_key *wc)
{
	const uint64_t *bits = (const uint64_t *)wc;
	unsigned j = 0;

	for (unsigned i = 0; i < HAL_KEY_WORDS; i++) {
		bool has = known->map[0] >> i & 1;

		if (bits[i] & ~(has ? known->w[j] : 0))
			return true;
		j += has;
	}
	return false;
}

static void add_known(struct hal_match *m, const struct hal_cmatch *known)
{
	uint64_t *value = (uint64_t *)&m->value, *mask = (uint64_t *)&m->mask;
	unsigned i, j = 0;

	WORDS_FOR_EACH (i, known->map) {
		value[i] = (value[i] & ~known->w[j]) | known->w[known->n + j];
		mask[i] |= known->w[j];
		j++;
	}
}

void xlate_visits_end(struct xlate *x)
{
	struct visit *visits = x->visits.data;

	for (unsigned n = 0; n < x->visits.n; n++) {
		struct visit *v = &visits[n];
		uint64_t *value, *mask;
		struct hal_cmatch *more;
		struct hal_match m;

		if (!v->plain || !knows_more(v->known, &x->wc))
			continue;
		memset(&m, 0, sizeof(m));
		m.value.dp = *x->orig;
		m.mask.dp = x->wc;
		value = (uint64_t *)&m.value;
		mask = (uint64_t *)&m.mask;
		for (unsigned i = 0; i < HAL_KEY_WORDS; i++)
			value[i] &= mask[i];
		add_known(&m, v->known);
		more = pack(x, &m);
		if (!more)
			continue; /* it concerns more, then */
		xlate_free_outside(x, v->known);
		v->known = more;
	}
}
