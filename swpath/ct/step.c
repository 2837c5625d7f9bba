/* SPDX-License-Identifier: Apache-2.0
 *
 * The CT step of an action program; fragments go on here when their datagram is whole.
 */
#include "swpath/ct/ct.h"
#include "swpath/ct/step.h"

static void resume(struct swpath_worker *w, struct ct_held *h, unsigned nested)
{
	swpath_execute(w, &h->p, h->resume.steps, h->resume.len, nested);
}

/* What connection tracking said of the first fragment is true of all. */
static void follow(struct swpath_worker *w, struct ct_held *h, const struct ct_held *first)
{
	int drop = ct_follow(&h->p, &first->p);

	if (drop != SWPATH_OK) {
		swpath_drop(w, h->p.m, (enum swpath_drop)drop);
		h->p.m = NULL;
	}
}

static void datagram(struct swpath_worker *w, struct ct_datagram *d, const struct hal_act_ct *act,
	unsigned nested)
{
	int drop = ct_process(w->sp->ct, w->id, &d->first->p, d, act, w->now_ms);

	if (drop != SWPATH_OK) {
		for (struct ct_held *h = d->first; h; h = h->next)
			swpath_count_drop(w, h->p.m, (enum swpath_drop)drop);
		ct_frag_release(w->ct_frags, d);
		return;
	}
	for (struct ct_held *h = d->first->next; h; h = h->next)
		follow(w, h, d->first);
	for (struct ct_held *h = d->first; h; h = h->next)
		if (h->p.m)
			resume(w, h, nested + 1);
	ct_frag_release(w->ct_frags, d);
}

void swpath_ct_fetch(struct swpath_worker *w, struct swpath_packet *p, unsigned n,
	const struct hal_act_ct *act, struct ct_look *looks)
{
	ct_fetch(w->sp->ct, w->id, p, n, act->zone, looks);
}

int swpath_ct(struct swpath_worker *w, struct swpath_packet *p, const struct hal_act_ct *act,
	const void *rest, uint32_t rest_len, unsigned nested)
{
	const struct ct_resume after = {p->mf, rest, rest_len, nested};
	struct ct_datagram *whole;

	switch (ct_frag_take(
		w->ct_frags, w->sp->ct, w->id, p, act->zone, &after, w->now_ms, &whole)) {
	case CT_FRAG_NONE:
		return ct_process(w->sp->ct, w->id, p, NULL, act, w->now_ms);
	case CT_FRAG_INVALID:
		ct_write_invalid(p, act->zone);
		break;
	case CT_FRAG_TAKEN:
		break;
	case CT_FRAG_DONE:
		datagram(w, whole, act, nested);
		break;
	}
	return SWPATH_OK;
}
