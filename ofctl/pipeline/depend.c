/* SPDX-License-Identifier: Apache-2.0 */
#include "ofctl/pipeline/depend.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "hal/base/stable.h"
#include "ofctl/pipeline/flow_mod.h"
#include "ofctl/pipeline/group_priv.h"
#include "ofctl/pipeline/learn.h"
#include "ofctl/pipeline/monitor.h"
#include "ofctl/pipeline/pipeline_priv.h"

/* ---- the index ---- */

static struct dep_head *dep_head(struct pipeline *pl, const struct dep_key *key)
{
	HMAP_FOR_EACH_HASH (h, struct dep_head, node, dep_key_hash(key), &pl->deps)
		if (dep_key_equal(&h->key, key))
			return h;
	return NULL;
}

bool pipeline_has_dep(struct pipeline *pl, const struct dep_key *key)
{
	return dep_head(pl, key) != NULL;
}

static int dep_add(struct pipeline *pl, struct dep_node *d)
{
	struct dep_head *h = dep_head(pl, &d->key);

	if (!h) {
		h = stable_alloc(STABLE_DEPENDENCY, sizeof(*h));
		if (!h)
			return -ENOMEM;
		*h = (struct dep_head){.key = d->key};
		LIST_INIT(&h->list);
		if (hmap_insert(&pl->deps, &h->node, dep_key_hash(&h->key))) {
			stable_free(STABLE_DEPENDENCY, h, sizeof(*h));
			return -ENOMEM;
		}
	}
	d->head = h;
	LIST_INSERT_HEAD(&h->list, d, link);
	return 0;
}

static void dep_remove(struct pipeline *pl, struct dep_node *d)
{
	LIST_REMOVE(d, link);
	if (!LIST_EMPTY(&d->head->list))
		return;
	hmap_remove(&pl->deps, &d->head->node);
	stable_free(STABLE_DEPENDENCY, d->head, sizeof(*d->head));
}

int depend_index(struct pipeline *pl, struct pl_megaflow *m)
{
	unsigned d = 0, v = 0;

	for (d = 0; d < m->n_deps; d++)
		if (dep_add(pl, &m->deps[d]))
			goto remove_deps;
	for (v = 0; v < m->n_visits; v++)
		if (visit_add(pl, &m->visits[v]))
			goto remove_visits;
	m->indexed = true;
	return 0;

remove_visits:
	while (v--)
		visit_remove(&m->visits[v]);
remove_deps:
	while (d--)
		dep_remove(pl, &m->deps[d]);
	return -ENOMEM;
}

void depend_unindex(struct pipeline *pl, struct pl_megaflow *m)
{
	if (!m->indexed)
		return;
	for (unsigned i = 0; i < m->n_deps; i++)
		dep_remove(pl, &m->deps[i]);
	for (unsigned i = 0; i < m->n_visits; i++)
		visit_remove(&m->visits[i]);
	m->indexed = false;
}

void depend_destroy(struct pipeline *pl)
{
	visits_destroy(pl);
	hmap_destroy(&pl->deps);
}

/* ---- changes ---- */

static void mark_stale(struct pipeline *pl, struct pl_megaflow *m)
{
	if (m->stale)
		return;
	m->stale = true;
	m->stale_turn = pl->stale_turn;
	pl->n_stale++;
	TAILQ_INSERT_TAIL(&pl->stale, m, stale_link);
}

void mark_fresh(struct pipeline *pl, struct pl_megaflow *m)
{
	if (!m->stale)
		return;
	TAILQ_REMOVE(&pl->stale, m, stale_link);
	m->stale = false;
	pl->n_stale--;
}

static void mark_dep(struct pipeline *pl, const struct dep_key *key)
{
	const struct dep_head *h = dep_head(pl, key);
	const struct dep_node *d;

	if (h)
		LIST_FOREACH (d, &h->list, link)
			mark_stale(pl, d->mf);
}

void pipeline_change_begin(struct pipeline *pl)
{
	if (pl->change_depth++ == 0)
		atomic_fetch_add(&pl->version, 1);
}

void pipeline_changed_dep(struct pipeline *pl, const struct dep_key *key)
{
	if (pl->n_changed_deps == pl->max_changed_deps) {
		unsigned max = pl->max_changed_deps ? pl->max_changed_deps * 2 : 64;
		struct dep_key *p = realloc(pl->changed_deps, max * sizeof(*p));

		if (!p) {
			pl->all_changed = true;
			return;
		}
		pl->changed_deps = p;
		pl->max_changed_deps = max;
	}
	pl->changed_deps[pl->n_changed_deps++] = *key;
}

void pipeline_changed_flow_added(struct pipeline *pl, struct flow *f)
{
	if (pl->n_added_flows == pl->max_added_flows) {
		unsigned max = pl->max_added_flows ? pl->max_added_flows * 2 : 64;
		struct flow **p = realloc(pl->added_flows, max * sizeof(struct flow *));

		if (!p) {
			pl->all_changed = true;
			return;
		}
		pl->added_flows = p;
		pl->max_added_flows = max;
	}
	if (flow_ref(f))
		pl->added_flows[pl->n_added_flows++] = f;
}

static void mark_changes(struct pipeline *pl)
{
	struct pl_megaflow *m;

	if (pl->all_changed)
		TAILQ_FOREACH (m, &pl->all, link)
			if (m->indexed)
				mark_stale(pl, m);
	pl->all_changed = false;
	for (unsigned i = 0; i < pl->n_changed_deps; i++)
		mark_dep(pl, &pl->changed_deps[i]);
	pl->n_changed_deps = 0;
	for (unsigned i = 0; i < pl->n_added_flows; i++) {
		/* It concerns a lookup that it would win now, for some packet of the megaflow. */
		visits_meet(pl, pl->added_flows[i], mark_stale);
		flow_unref(pl->added_flows[i]);
	}
	pl->n_added_flows = 0;
}

unsigned revalidate(struct pipeline *pl, unsigned max)
{
	struct pl_megaflow *m;
	unsigned n = 0;

	for (; n < max && (m = TAILQ_FIRST(&pl->stale)); n++) {
		mark_fresh(pl, m);
		registry_retranslate(pl, m);
	}
	return n;
}

static void change_end(struct pipeline *pl, bool soon)
{
	struct pl_bridge *br;

	if (pl->change_depth == 1)
		LIST_FOREACH (br, &pl->bridges, link)
			learn_flush(br);
	pl->all_now |= !soon;
	if (--pl->change_depth)
		return;
	atomic_fetch_add(&pl->version, 1);
	flow_mod_drop_ended(pl);
	group_mod_drop_ended(pl);
	registry_take_births(pl);
	mark_changes(pl);
	pl->settled = atomic_load(&pl->version);
	if (pl->all_now)
		revalidate(pl, UINT_MAX);
	else
		revalidate_soon(pl);
	pl->all_now = false;
	if (pl->changes.n || pl->changes.lost)
		monitor_tell(pl);
}

void pipeline_change_end(struct pipeline *pl)
{
	change_end(pl, false);
}

void pipeline_change_end_soon(struct pipeline *pl)
{
	change_end(pl, true);
}
