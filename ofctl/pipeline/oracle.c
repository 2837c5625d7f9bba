/* SPDX-License-Identifier: Apache-2.0 */
#include "ofctl/pipeline/oracle.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_random.h>

#include "hal/base/log.h"
#include "ofctl/pipeline/clock.h"
#include "ofctl/pipeline/pipeline_priv.h"

LOG_DEFINE(width);

#define TRIES 6          /* packets a megaflow */
#define PER_SECOND 2000u /* packets a second, so that a flood of misses is not slowed down */
#define LOG_MAX 20u      /* violations in full */

#ifndef SLUICE_ORACLE_DEFAULT
#define SLUICE_ORACLE_DEFAULT 0
#endif

struct width_oracle *oracle_open(void)
{
	const char *text = getenv("SLUICE_WIDTH_ORACLE");
	unsigned long every = text ? strtoul(text, NULL, 10) : SLUICE_ORACLE_DEFAULT;
	struct width_oracle *o = every ? calloc(1, sizeof(*o)) : NULL;

	if (o)
		o->every = (uint32_t)every;
	return o;
}

/* ---- packets like another ---- */

static uint64_t *words(struct hal_key *k)
{
	return (uint64_t *)k;
}

/* Sets some of the open bits of a key as in `other`. */
static void mix(struct hal_key *k, const struct hal_key *other, const struct hal_key *mask)
{
	const uint64_t *o = (const uint64_t *)other, *m = (const uint64_t *)mask;
	uint64_t kind = rte_rand();

	for (unsigned i = 0; i < HAL_KEY_WORDS; i++) {
		uint64_t take = ~m[i];

		if (kind & 1)
			take &= rte_rand();
		if (kind & 2 && rte_rand() & 1)
			continue;
		words(k)[i] = (words(k)[i] & ~take) | (o[i] & take);
	}
}

static void flip_bits(struct hal_key *k, const struct hal_key *mask)
{
	const uint64_t *m = (const uint64_t *)mask;

	for (unsigned n = 1 + (unsigned)(rte_rand() & 3); n--;) {
		unsigned word = (unsigned)rte_rand_max(HAL_KEY_WORDS);

		words(k)[word] ^= (UINT64_C(1) << (rte_rand() & 63)) & ~m[word];
	}
}

static bool agree(const struct hal_key *a, const struct hal_key *b, const struct hal_key *mask)
{
	const uint64_t *x = (const uint64_t *)a, *y = (const uint64_t *)b,
		       *m = (const uint64_t *)mask;

	for (unsigned i = 0; i < HAL_KEY_WORDS; i++)
		if ((x[i] ^ y[i]) & m[i])
			return false;
	return true;
}

/* Another packet of the megaflow. False: this attempt came to nothing. */
static bool make_like(struct width_oracle *o, const struct hal_key *key, const struct hal_key *mask,
	struct hal_key *like)
{
	uint32_t n = o ? atomic_load_explicit(&o->n_recent, memory_order_relaxed) : 0;
	struct hal_key other;

	*like = *key;
	switch (rte_rand_max(3)) {
	case 0:
		if (n) {
			other = o->recent[rte_rand_max(n < 64 ? n : 64)];
			mix(like, &other, mask);
			break;
		}
		/* fall through */
	case 1:
		for (unsigned i = 0; i < HAL_KEY_WORDS; i++)
			words(&other)[i] = rte_rand();
		mix(like, &other, mask);
		break;
	default:
		flip_bits(like, mask);
		break;
	}
	key_make_plausible(like);
	return agree(like, key, mask) && memcmp(like, key, sizeof(*like));
}

/* ---- judging ---- */

static void show(const char *what, const struct hal_key *key, const struct hal_program *program,
	unsigned credits)
{
	struct hal_key ones;
	char packet[2048], steps[2048] = "not translated";

	memset(&ones, 0xff, sizeof(ones));
	hal_match_format(key, &ones, true, packet, sizeof(packet));
	if (program)
		hal_program_format(program, NULL, NULL, steps, sizeof(steps));
	log_warn("width: %s packet %s", what, packet);
	log_warn("width: %s program %s, %u credits", what, steps, credits);
}

static void report(const struct pl_megaflow *m, const struct hal_key *key,
	const struct hal_key *like, const struct pl_megaflow *n)
{
	char match[2048];

	hal_cmatch_format(m->mf.match, match, sizeof(match));
	log_warn("width: a megaflow is wider than its decision: chain %u, %s", m->mf.chain, match);
	show("first", key, m->mf.program, m->n_credits);
	show("other", like, n ? n->mf.program : NULL, n ? n->n_credits : 0);
}

/* True if the packet gets what the megaflow says, or if nothing can be said. */
static bool same_decision(struct pipeline *pl, const struct pl_megaflow *m,
	const struct hal_key *key, const struct hal_key *like)
{
	uint64_t version = atomic_load(&pl->version);
	struct pl_megaflow *n = NULL;
	struct xlate x;
	bool same, quiet;

	xlate_packet(&x, pl, like);
	/* Memory and ids may run out; this is not the packet's fault. */
	quiet = version & 1 || x.raced || x.error == -ENOMEM || x.error == -ENOSPC;
	if (x.error)
		xlate_clear(&x);
	else
		n = megaflow_new(pl, &x);
	quiet |= atomic_load(&pl->version) != version || m->version != version;
	same = n && hal_program_equal(m->mf.program, n->mf.program) && megaflow_same_credits(m, n);
	if (!same && !quiet && pl->oracle && atomic_fetch_add(&pl->oracle->violations, 1) < LOG_MAX)
		report(m, key, like, n);
	if (n)
		megaflow_free(&n->mf);
	return same || quiet;
}

unsigned oracle_check(
	struct pipeline *pl, const struct pl_megaflow *m, const struct hal_key *key, unsigned n)
{
	struct hal_key like;
	struct hal_match match;
	unsigned bad = 0;

	hal_cmatch_expand(m->mf.match, &match);
	/* A megaflow is of one port and of one chain. */
	match.mask.dp.in_port = match.mask.dp.recirc_id = 0xffffffff;
	for (unsigned i = 0; i < n; i++) {
		if (!make_like(pl->oracle, key, &match.mask.dp, &like))
			continue;
		if (pl->oracle)
			atomic_fetch_add_explicit(&pl->oracle->checks, 1, memory_order_relaxed);
		bad += !same_decision(pl, m, key, &like);
	}
	return bad;
}

static bool has_budget(struct width_oracle *o)
{
	uint64_t now = clock_ms(), since = atomic_load(&o->budget_ms);

	if (now - since >= 1000 && atomic_compare_exchange_strong(&o->budget_ms, &since, now))
		atomic_store(&o->budget, 0);
	return atomic_fetch_add(&o->budget, TRIES) < PER_SECOND;
}

void oracle_look(struct pipeline *pl, const struct pl_megaflow *m, const struct hal_key *key)
{
	struct width_oracle *o = pl->oracle;
	uint32_t turn;

	if (!o)
		return;
	turn = atomic_fetch_add_explicit(&o->turn, 1, memory_order_relaxed);
	if (turn % o->every || (o->every > 1 && !has_budget(o)))
		return;
	oracle_check(pl, m, key, TRIES);
	turn = atomic_fetch_add_explicit(&o->n_recent, 1, memory_order_relaxed);
	o->recent[turn % 64] = *key;
}
