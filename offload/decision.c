/* SPDX-License-Identifier: Apache-2.0 */
#include "offload/decision.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "offload/internal.h"

uint64_t wall_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

const char *offload_decision_name(enum offload_decision_type type)
{
	static const char *const names[] = {
#define DECISION(ID, NAME) [DECISION_##ID] = NAME,
		OFFLOAD_DECISION_TYPES(DECISION)
#undef DECISION
	};

	return type < DECISION_MAX ? names[type] : "unknown";
}

int decisions_open(struct decisions *all)
{
	all->ring = calloc(OFFLOAD_DECISIONS, sizeof(*all->ring));
	if (!all->ring)
		return -ENOMEM;
	all->next = 1;
	pthread_mutex_init(&all->lock, NULL);
	return 0;
}

void decisions_close(struct decisions *all)
{
	for (unsigned i = 0; i < OFFLOAD_DECISIONS; i++)
		free(all->ring[i].match);
	free(all->ring);
	pthread_mutex_destroy(&all->lock);
}

/* Without memory the match is left out. */
void decision_add(struct decisions *all, const struct offload_decision *d,
	const struct hal_cmatch *match, const struct hal_reason *reason)
{
	struct offload_decision made = *d, *at;
	struct hal_cmatch *former;

	made.when_ms = wall_ms();
	made.match = match ? hal_cmatch_copy(match) : NULL;
	if (reason)
		made.reason = *reason;
	else
		hal_reason_clear(&made.reason);
	pthread_mutex_lock(&all->lock);
	made.number = all->next++;
	at = &all->ring[made.number % OFFLOAD_DECISIONS];
	former = at->match;
	*at = made;
	pthread_mutex_unlock(&all->lock);
	free(former);
}

void offload_decisions_range(struct offload *ol, uint64_t *first, uint64_t *end)
{
	struct decisions *all = &ol->decisions;

	pthread_mutex_lock(&all->lock);
	*end = all->next;
	pthread_mutex_unlock(&all->lock);
	*first = *end > OFFLOAD_DECISIONS ? *end - OFFLOAD_DECISIONS : 1;
}

int offload_decision_read(struct offload *ol, uint64_t number, struct offload_decision *out)
{
	struct decisions *all = &ol->decisions;
	const struct offload_decision *at = &all->ring[number % OFFLOAD_DECISIONS];
	int err = 0;

	pthread_mutex_lock(&all->lock);
	*out = *at;
	if (!number || at->number != number)
		err = -ENOENT;
	else if (at->match)
		out->match = hal_cmatch_copy(at->match);
	if (!err && at->match && !out->match)
		err = -ENOMEM;
	pthread_mutex_unlock(&all->lock);
	return err;
}
