/* SPDX-License-Identifier: Apache-2.0
 *
 * Rules of a former run that a device still has. What they take never comes to us as a packet, so
 * the megaflow that each would be for is made without one: by translating the key that the rule's
 * match gives. If it is the same megaflow, offload claims the rule for it.
 *
 * What former packets taught is forgotten, too: that there was a rule for an address on a port says
 * where it is. So all are translated once for what is learned by it, and then for the megaflow.
 */
#include <stdlib.h>
#include <string.h>

#include "ofctl/pipeline/pipeline_priv.h"

struct found {
	STAILQ_ENTRY(found) link; /* in pipeline.found, once it was learned from */
	struct pipeline *pl;
	struct hal_ufid ufid;
	struct hal_key key;
	bool drops;
};

/* Where packets are to be dropped now that were forwarded, the rule just goes: tables that are
 * empty would fill the device with drops for nobody. */
static bool is_wanted(const struct found *f, const struct pl_megaflow *m)
{
	return hal_ufid_equal(&m->mf.ufid, &f->ufid) && (m->mf.program->len || f->drops);
}

static void claim(struct pipeline *pl, struct found *f)
{
	struct pl_megaflow *m;
	struct xlate x;

	if (registry_find(pl, &f->ufid))
		return;
	xlate_packet(&x, pl, &f->key);
	if (x.error) {
		xlate_clear(&x);
		return;
	}
	m = megaflow_new(pl, &x);
	if (!m)
		return;
	m->version = atomic_load(&pl->version);
	if (is_wanted(f, m))
		registry_adopt(pl, m);
	else
		megaflow_free_later(m);
}

void found_drop(struct pipeline *pl)
{
	struct found *f;

	while ((f = STAILQ_FIRST(&pl->found))) {
		STAILQ_REMOVE_HEAD(&pl->found, link);
		free(f);
	}
}

static void learn(void *arg)
{
	struct found *f = arg;
	struct pipeline *pl = f->pl;
	struct xlate x;

	xlate_packet(&x, pl, &f->key);
	pipeline_change_begin(pl);
	for (unsigned i = 0; i < x.n_effects; i++)
		if (x.effects[i].type == EFFECT_MAC)
			effect_run(pl, &x.effects[i]);
	pipeline_change_end(pl);
	xlate_clear(&x);
	STAILQ_INSERT_TAIL(&pl->found, f, link);
}

/* That were all. */
static void claim_all(void *arg)
{
	struct found *end = arg, *f;
	struct pipeline *pl = end->pl;

	STAILQ_FOREACH (f, &pl->found, link)
		claim(pl, f);
	found_drop(pl);
	free(end);
}

bool pipeline_found(void *ctx, const struct hal_ufid *ufid, const struct hal_cmatch *match,
	const struct hal_program *program)
{
	struct found *f = calloc(1, sizeof(*f));
	struct note *n = f ? note_new(NOTE_CALL, 0) : NULL;
	struct hal_match m;

	if (!n) {
		free(f);
		return false;
	}
	f->pl = ctx;
	n->call.fn = ufid ? learn : claim_all;
	n->call.arg = f;
	if (ufid) {
		hal_cmatch_expand(match, &m);
		f->ufid = *ufid;
		f->key = m.value.dp;
		f->drops = !program->len;
	}
	if (note_post(ctx, n))
		return true;
	free(f);
	return false;
}
