/* SPDX-License-Identifier: Apache-2.0
 *
 * What users ask of the pipeline: megaflows, statistics, traces.
 */
#include <stdlib.h>
#include <string.h>

#include "hal/ct_state.h"
#include "ofctl/pipeline/clock.h"
#include "ofctl/pipeline/pipeline_priv.h"

static void describe(
	const struct pl_megaflow *m, struct pl_megaflow_info *info, uint64_t *cookies, unsigned max)
{
	struct hal_megaflow_hw *hw = hal_megaflow_hw(&m->mf);
	uint64_t packets, bytes, used;

	megaflow_totals(m, &packets, &bytes, &used);
	info->mf = &m->mf;
	if (hw) {
		info->hw_packets = atomic_load_explicit(&hw->packets, memory_order_relaxed);
		info->hw_bytes = atomic_load_explicit(&hw->bytes, memory_order_relaxed);
	}
	info->sw_packets = packets - info->hw_packets;
	info->sw_bytes = bytes - info->hw_bytes;
	info->used_ms = used ? clock_ms() - used : UINT64_MAX;
	for (unsigned i = 0; i < m->mf.n_sw; i++)
		info->tcp_flags |= atomic_load(&hal_megaflow_sw(&m->mf, i)->tcp_flags);
	info->cookies = cookies;
	for (unsigned i = 0; i < m->n_credits && info->n_cookies < max; i++)
		if (m->credits[i].type == CREDIT_FLOW)
			cookies[info->n_cookies++] = m->credits[i].flow->cookie;
}

void pipeline_megaflows(
	struct pipeline *pl, void (*cb)(void *ctx, const struct pl_megaflow_info *info), void *ctx)
{
	struct pl_megaflow *m;

	registry_take_births(pl);
	TAILQ_FOREACH (m, &pl->all, link) {
		struct pl_megaflow_info info = {0};
		uint64_t cookies[64];

		if (!m->indexed)
			continue;
		describe(m, &info, cookies, 64);
		cb(ctx, &info);
	}
}

void pipeline_stats_read(const struct pipeline *pl, struct pipeline_stats *out)
{
	*out = (struct pipeline_stats){
		.megaflows = hmap_count(&pl->megaflows),
		.translations = atomic_load(&pl->translations),
		.retranslations = pl->retranslations,
		.retired = pl->retired,
		.limited = atomic_load(&pl->limited),
		.bounded = atomic_load(&pl->bounded),
		.raced = atomic_load(&pl->raced),
		.effects_dropped = atomic_load(&pl->effects_dropped),
		.recircs = recirc_count(pl->recircs),
		.failed = atomic_load(&pl->failed),
		.failed_recirc = atomic_load(&pl->failed_recirc),
		.failed_gone = atomic_load(&pl->failed_gone),
		.width_checks = pl->oracle ? atomic_load(&pl->oracle->checks) : 0,
		.width_violations = pl->oracle ? atomic_load(&pl->oracle->violations) : 0,
	};
}

/* ---- translation without consequences ---- */

static void complete_key(struct pl_bridge *br, struct xlate_key *key)
{
	const struct pl_port *in = bridge_port(br, rte_be_to_cpu_32(key->in_port_of));

	if (in)
		key->dp.in_port = rte_cpu_to_be_32(in->cfg.dp_port);
}

/* Translations that follow one from another: the first part and the chains. */
#define WALK_MAX 64

struct walk {
	struct pl_bridge *br;
	FILE *trace;
	pl_trace_result_cb *result;
	void *ctx;
	const uint32_t *ct_next; /* what conntrack says, time after time; then new */
	unsigned n_ct_next, used_ct_next;
	unsigned n, n_forks;
	struct pl_megaflow *mf[WALK_MAX]; /* they keep the ids alive */
	struct xlate_fork forks[WALK_MAX];
};

static void put_result(struct walk *w, const struct pl_megaflow *m)
{
	char line[2048];

	if (w->result) {
		w->result(w->ctx, w->trace, &m->mf);
		return;
	}
	hal_cmatch_format(m->mf.match, line, sizeof(line));
	fprintf(w->trace, "Megaflow: %s\n", line);
	hal_program_format(m->mf.program, NULL, NULL, line, sizeof(line));
	fprintf(w->trace, "Datapath actions: %s\n", line);
}

/* What the packet has become, if it was changed. */
static void put_final(struct walk *w, const struct xlate_key *before, const struct xlate *x)
{
	struct xlate_key now = x->key;

	now.dp.in_port = before->dp.in_port;
	now.in_phy_port = before->in_phy_port;
	now.actset_output = before->actset_output;
	if (memcmp(&now, before, sizeof(now)) != 0)
		xlate_trace_key(w->trace, "\nFinal flow", &x->key);
	else
		fprintf(w->trace, "\nFinal flow: unchanged\n");
}

static void walk_one(struct walk *w, const struct xlate_key *key)
{
	const struct xlate_fork *forks;
	struct pl_megaflow *m;
	struct xlate x;

	xlate_key_at(&x, w->br, key, w->trace);
	if (x.error && w->trace)
		fprintf(w->trace, "translation failed: %s\n", strerror(-x.error));
	if (w->trace)
		put_final(w, key, &x);
	forks = x.forks.data;
	for (unsigned i = 0; i < x.forks.n && w->n_forks < WALK_MAX; i++)
		w->forks[w->n_forks++] = forks[i];
	m = megaflow_new(w->br->pl, &x);
	if (!m)
		return;
	w->mf[w->n++] = m;
	if (w->trace)
		put_result(w, m);
}

/* The packet comes back, perhaps from conntrack. */
static void walk_fork(struct walk *w, const struct xlate_fork *f)
{
	struct xlate_key key = {.dp = f->key};
	uint32_t state = HAL_CS_TRK | HAL_CS_NEW;

	key.dp.recirc_id = rte_cpu_to_be_32(f->to->id);
	if (w->trace)
		fprintf(w->trace, "\nrecirc(0x%x)", f->to->id);
	if (f->ct) {
		if (w->used_ct_next < w->n_ct_next)
			state = w->ct_next[w->used_ct_next++];
		key.dp.ct_state = rte_cpu_to_be_32(state);
	}
	if (w->trace && f->ct) {
		uint8_t value[4], mask[4];
		char text[128];

		memcpy(value, &key.dp.ct_state, sizeof(value));
		memset(mask, 0xff, sizeof(mask));
		hal_field_format(FIELD_CT_STATE, value, mask, text, sizeof(text));
		fprintf(w->trace, ", back from connection tracking with ct_state=%s", text);
	}
	if (w->trace)
		fputc('\n', w->trace);
	walk_one(w, &key);
}

static void walk(struct walk *w, const struct xlate_key *key)
{
	struct xlate_key k = *key;

	complete_key(w->br, &k);
	walk_one(w, &k);
	for (unsigned i = 0; i < w->n_forks && w->n < WALK_MAX; i++)
		walk_fork(w, &w->forks[i]);
}

unsigned pipeline_probe(
	struct pl_bridge *br, const struct xlate_key *key, struct hal_megaflow **mfs, unsigned max)
{
	struct walk *w = calloc(1, sizeof(*w));
	unsigned n = 0;

	if (!w)
		return 0;
	w->br = br;
	walk(w, key);
	for (unsigned i = 0; i < w->n; i++)
		if (n < max)
			mfs[n++] = &w->mf[i]->mf;
		else
			megaflow_free(&w->mf[i]->mf);
	free(w);
	return n;
}

void pipeline_probe_free(struct hal_megaflow *mf)
{
	megaflow_free(mf);
}

char *pipeline_trace(struct pl_bridge *br, const struct xlate_key *key, const uint32_t *ct_next,
	unsigned n_ct_next, pl_trace_result_cb *result, void *ctx)
{
	struct walk *w = calloc(1, sizeof(*w));
	char *text = NULL;
	size_t size = 0;

	if (!w)
		return NULL;
	w->trace = open_memstream(&text, &size);
	if (!w->trace)
		goto free_walk;
	w->br = br;
	w->ct_next = ct_next;
	w->n_ct_next = n_ct_next;
	w->result = result;
	w->ctx = ctx;
	xlate_trace_key(w->trace, "Flow", key);
	fprintf(w->trace, "\nbridge(\"%s\")\n%.*s\n", br->name, (int)strlen(br->name) + 10,
		"--------------------------------------------------------------------------");
	if (key->in_port_of && !bridge_port(br, rte_be_to_cpu_32(key->in_port_of)))
		fprintf(w->trace, "no port has the number %u\n", rte_be_to_cpu_32(key->in_port_of));
	walk(w, key);
	for (unsigned i = 0; i < w->n; i++)
		megaflow_free(&w->mf[i]->mf);
	fclose(w->trace);
free_walk:
	free(w);
	return text;
}
