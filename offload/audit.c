/* SPDX-License-Identifier: Apache-2.0
 *
 * The audit: what a device holds is compared with what it should hold, at intervals and on demand,
 * while everything else goes on.
 *
 * A pass reads the device in pieces, and takes no more than a share of the thread's time. What an
 * operation of ours changed during the pass is left to the next one. What is found wrong goes onto
 * the to-do list like everything else.
 *
 *   found                          | becomes
 *   a rule as it should be         | verified
 *   a rule that is another one     | replaced, or taken out and put in
 *   something in a rule's place    | taken out, and the rule put in
 *   a rule that nobody wants       | taken out
 *   nothing where a rule should be | put in
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hal/base/log.h"
#include "offload/internal.h"

LOG_DEFINE(offload_audit);

#define PIECE 128     /* rules */
#define SHARE 9       /* times as long as a piece took it waits before the next */
#define ASKED_SHARE 1 /* when somebody waits for it */

static uint64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static void decide(struct device *dev, struct rule *rule, enum offload_decision_type type,
	const struct hal_cmatch *match)
{
	const struct offload_decision d = {
		.device = dev->index, .type = type, .ufid = rule->ufid, .chain = rule->chain};

	decision_add(&dev->ol->decisions, &d, match, NULL);
}

static void count(struct device *dev, uint64_t *counter)
{
	pthread_mutex_lock(&dev->lock);
	++*counter;
	pthread_mutex_unlock(&dev->lock);
}

static bool is_as_it_should(const struct rule *rule, const struct hal_dump_entry *e)
{
	const struct hal_megaflow *mf;

	if (!e->match)
		return false;
	if (rule->have == HAVE_FOREIGN)
		return rule->chain == e->chain && hal_cmatch_equal(rule->match, e->match) &&
		       hal_program_equal(rule->program, e->program);
	mf = rule->holder->flow->mf;
	return mf->chain == e->chain && hal_cmatch_equal(mf->match, e->match) &&
	       hal_program_equal(claim_program(rule->holder), e->program);
}

/* It is not ours any more, but something is there. */
static void altered(struct device *dev, struct rule *rule, const struct hal_dump_entry *e)
{
	const struct hal_cmatch *match =
		rule->have == HAVE_CLAIM ? rule->holder->flow->mf->match : rule->match;

	count(dev, &dev->info.audit.altered);
	decide(dev, rule, DECISION_ALTERED, match);
	if (rule->have == HAVE_CLAIM) {
		slot_set(dev, rule->holder, PLACEMENT_PENDING, NULL);
		rule->repair = true;
	}
	if (e->match)
		rule_set_foreign(dev, rule, e);
	else
		rule_have(dev, rule, HAVE_UNSURE, NULL);
	rule->ousted = true; /* nobody claims what it is now */
	work_add(dev, rule);
}

/* ---- suspects ---- */

static void suspect(struct device *dev, struct rule *rule)
{
	if (rule->suspect)
		return;
	rule->suspect = true;
	TAILQ_INSERT_TAIL(&dev->audit.suspects, rule, in_suspects);
}

void audit_clear(struct device *dev, struct rule *rule)
{
	if (!rule->suspect)
		return;
	rule->suspect = false;
	TAILQ_REMOVE(&dev->audit.suspects, rule, in_suspects);
	free(rule->stray);
	rule->stray = NULL;
}

/* Nobody knows of it: of a former run, put there by somebody who knew how, or gone by now. */
static void suspect_stray(struct device *dev, struct rule *rule, const struct hal_dump_entry *e)
{
	suspect(dev, rule);
	free(rule->stray);
	rule->stray = e->match ? hal_cmatch_copy(e->match) : NULL;
	if (e->match)
		hal_adopt(dev->hal, e); /* its counter will be asked for */
}

static int look_at(void *ctx, const struct hal_dump_entry *e)
{
	struct device *dev = ctx;
	struct rule *rule = rule_get(dev, &e->ufid);

	if (!rule)
		return -ENOMEM;
	dev->audit.seen++;
	rule->seen_by = dev->audit.pass;
	if (rule->busy || rule->changed_in == dev->audit.pass)
		return 0;
	switch (rule->have) {
	case HAVE_NONE:
		suspect_stray(dev, rule, e);
		break;
	case HAVE_UNSURE: /* it is being seen to */
		break;
	case HAVE_CLAIM:
	case HAVE_FOREIGN:
		if (!is_as_it_should(rule, e))
			altered(dev, rule, e);
		else if (rule->have == HAVE_CLAIM)
			slot_verified(dev, rule->holder);
		break;
	}
	return 0;
}

/* Unseen, or seen though it should not be there. */
static bool is_suspect(const struct device *dev, const struct rule *rule)
{
	const bool seen = rule->seen_by == dev->audit.pass;

	if (rule->busy || rule->changed_in == dev->audit.pass)
		return false;
	return rule->have == HAVE_NONE ? seen : rule->have != HAVE_UNSURE && !seen;
}

static void suspect_unseen(struct device *dev)
{
	HMAP_FOR_EACH (rule, struct rule, node, &dev->rules) {
		if (rule->have != HAVE_NONE && is_suspect(dev, rule))
			suspect(dev, rule);
	}
}

static void missing(struct device *dev, struct rule *rule)
{
	struct claim *holder = rule->holder;

	count(dev, &dev->info.audit.lost);
	decide(dev, rule, DECISION_LOST, holder ? holder->flow->mf->match : rule->match);
	if (holder) {
		slot_set(dev, holder, PLACEMENT_PENDING, NULL);
		rule->repair = true;
	}
	/* The driver has it in its books: it is deleted there, too. */
	rule_have(dev, rule, HAVE_UNSURE, NULL);
	work_add(dev, rule);
}

/* There or not, the driver may have it in its books: it is deleted. */
static void stray(struct device *dev, struct rule *rule, bool there)
{
	if (there) {
		count(dev, &dev->info.audit.unwanted);
		decide(dev, rule, DECISION_UNWANTED, rule->stray);
		rule->unwanted = true;
	}
	rule_have(dev, rule, HAVE_UNSURE, NULL);
	work_add(dev, rule);
}

static void judge_suspect(struct device *dev, struct rule *rule, bool there)
{
	if (!is_suspect(dev, rule)) /* no more */
		work_add(dev, rule);
	else if (rule->have == HAVE_NONE)
		stray(dev, rule, there);
	else if (!there)
		missing(dev, rule);
	audit_clear(dev, rule);
}

/* What a device tells in pieces while it changes may leave one out, or be of a moment ago: suspects
 * are asked for by name. A device that does not count is taken at its word. */
static int ask_suspects(struct device *dev)
{
	const bool counts = dev->caps->counts_packets;
	struct hal_ufid ufids[PIECE];
	struct rule *rules[PIECE], *rule;
	struct hal_counter c[PIECE];
	unsigned n = 0;
	int err;

	TAILQ_FOREACH (rule, &dev->audit.suspects, in_suspects) {
		if (n == PIECE)
			break;
		ufids[n] = rule->ufid;
		rules[n++] = rule;
	}
	err = n && counts ? hal_counters_read(dev->hal, ufids, n, c) : 0;
	for (unsigned i = 0; i < n && !err; i++)
		judge_suspect(dev, rules[i], counts ? c[i].known : rules[i]->have == HAVE_NONE);
	return err;
}

/* ---- passes ---- */

static void begin(struct device *dev, uint64_t now)
{
	dev->audit.running = true;
	dev->audit.listed = false;
	dev->audit.at = 0;
	dev->audit.pass++;
	dev->audit.seen = 0;
	dev->audit.began_ms = dev->audit.next_piece = now;
	shares_begin(&dev->audits);
}

static void publish(struct device *dev, uint64_t now)
{
	struct offload_audit_info *info = &dev->info.audit;

	pthread_mutex_lock(&dev->lock);
	info->passes++;
	info->rules = dev->audit.seen;
	info->took_ms = now - dev->audit.began_ms;
	info->ended_ms = wall_ms();
	pthread_mutex_unlock(&dev->lock);
}

static void end(struct device *dev, int err)
{
	const uint64_t now = now_ms();

	dev->audit.running = false;
	if (!err)
		publish(dev, now);
	else if (err == -EOPNOTSUPP)
		dev->audit.impossible = true;
	else
		log_warn("%s: its rules cannot be listed: %s", dev->info.name, strerror(-err));
	shares_audited(dev);
}

/* True: that was the last one. */
static bool piece(struct device *dev, int *err)
{
	if (!dev->audit.listed) {
		*err = hal_dump_some(dev->hal, &dev->audit.at, PIECE, look_at, dev);
		dev->audit.listed = !dev->audit.at;
		if (!*err && dev->audit.listed)
			suspect_unseen(dev);
	} else {
		*err = ask_suspects(dev);
	}
	return *err || (dev->audit.listed && TAILQ_EMPTY(&dev->audit.suspects));
}

static void next_piece(struct device *dev)
{
	const uint64_t start = now_us();
	const unsigned share = TAILQ_EMPTY(&dev->audits) ? SHARE : ASKED_SHARE;
	int err;
	bool last = piece(dev, &err);

	if (err == -ENODEV) {
		audit_stop(dev);
		resync_lost(dev);
		return;
	}
	if (last)
		end(dev, err);
	dev->audit.next_piece = now_ms() + (now_us() - start) * share / 1000;
	atomic_store_explicit(&dev->audited_ms, now_ms(), memory_order_relaxed);
}

void audit_stop(struct device *dev)
{
	while (!TAILQ_EMPTY(&dev->audit.suspects))
		audit_clear(dev, TAILQ_FIRST(&dev->audit.suspects));
	dev->audit.running = false; /* for those who asked it is begun anew */
}

uint64_t audit_due_ms(const struct device *dev)
{
	const unsigned interval = atomic_load(&dev->ol->audit_ms);

	if (dev->audit.running)
		return dev->audit.next_piece;
	if (dev->audit.impossible || dev->adopting || !interval)
		return UINT64_MAX;
	return dev->audit.began_ms + interval;
}

void audit_run(struct device *dev, uint64_t now)
{
	if (dev->audit.impossible) {
		shares_begin(&dev->audits);
		shares_audited(dev);
		return;
	}
	if (!dev->audit.running && (now >= audit_due_ms(dev) || !TAILQ_EMPTY(&dev->audits)))
		begin(dev, now);
	if (dev->audit.running && now >= dev->audit.next_piece)
		next_piece(dev);
}

/* Somebody asked: what is left of a former run goes now. */
void audit_asked(struct device *dev)
{
	if (dev->ol->cfg.ops.found && dev->adopting && !dev->asked)
		dev->adopt_until_ms = 0;
	else if (dev->adopting)
		adopting_ends(dev);
}

void offload_audit_interval(struct offload *ol, unsigned ms)
{
	atomic_store(&ol->audit_ms, ms);
}
