/* SPDX-License-Identifier: Apache-2.0
 *
 * What users ask of the pipeline: megaflows, statistics, traces.
 */
#include <stdlib.h>
#include <string.h>

#include "ofctl/pipeline/clock.h"
#include "ofctl/pipeline/pipeline_priv.h"

static uint64_t hw(const _Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

static void describe(
	const struct pl_megaflow *m, struct pl_megaflow_info *info, uint64_t *cookies, unsigned max)
{
	uint64_t packets, bytes, used;

	megaflow_totals(m, &packets, &bytes, &used);
	info->mf = &m->mf;
	info->hw_packets = hw(&m->mf.hw_packets);
	info->hw_bytes = hw(&m->mf.hw_bytes);
	info->sw_packets = packets - info->hw_packets;
	info->sw_bytes = bytes - info->hw_bytes;
	info->used_ms = used ? clock_ms() - used : UINT64_MAX;
	for (unsigned i = 0; i < HAL_MAX_WORKERS; i++)
		info->tcp_flags |= atomic_load(&m->mf.sw[i].tcp_flags);
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

struct hal_megaflow *pipeline_probe(struct pl_bridge *br, const struct xlate_key *key)
{
	struct xlate_key k = *key;
	struct pl_megaflow *m;
	struct xlate x;

	complete_key(br, &k);
	xlate_key_at(&x, br, &k, NULL);
	m = megaflow_new(br->pl, &x);
	return m ? &m->mf : NULL;
}

void pipeline_probe_free(struct hal_megaflow *mf)
{
	megaflow_free(mf);
}

char *pipeline_trace(struct pl_bridge *br, const struct xlate_key *key)
{
	struct xlate_key k = *key;
	char line[2048], *text = NULL;
	struct pl_megaflow *m;
	size_t size = 0;
	struct xlate x;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return NULL;
	complete_key(br, &k);
	fprintf(f, "bridge(\"%s\")\n", br->name);
	xlate_key_at(&x, br, &k, f);
	if (x.error)
		fprintf(f, "translation failed: %s\n", strerror(-x.error));
	m = megaflow_new(br->pl, &x);
	if (m) {
		hal_cmatch_format(m->mf.match, line, sizeof(line));
		fprintf(f, "Megaflow: %s\n", line);
		hal_program_format(m->mf.program, NULL, NULL, line, sizeof(line));
		fprintf(f, "Datapath actions: %s\n", line);
		megaflow_free(&m->mf);
	}
	fclose(f);
	return text;
}
