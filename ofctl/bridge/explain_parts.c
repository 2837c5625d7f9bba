/* SPDX-License-Identifier: Apache-2.0
 *
 * Where the parts of a way through several lookups are: for each recirculation id that a megaflow
 * leads to, the megaflows there.
 */
#include "hal/walk.h"
#include "ofctl/bridge/bridge_priv.h"
#include "ofctl/bridge/explain.h"

#define MAX_PARTS 16 /* shown for one id */

static uint32_t in_port_of(const struct hal_megaflow *mf)
{
	struct hal_match m;

	hal_cmatch_expand(mf->match, &m);
	return rte_be_to_cpu_32(m.value.dp.in_port & m.mask.dp.in_port);
}

static int want_chain(void *ctx, const struct hal_action *a)
{
	json_t *chains = ctx;
	uint32_t id;

	if (a->type != ACTION_RECIRC)
		return 0;
	id = ((const struct hal_act_recirc *)a)->id;
	json_array_append_new(
		chains, json_pack("{s:I, s:[]}", "recirc_id", (json_int_t)id, "parts"));
	return 0;
}

void explain_parts_want(const struct hal_megaflow *mf, json_t *j)
{
	json_t *chains = json_array();

	hal_program_walk(mf->program, want_chain, chains);
	json_object_set_new(j, "chains", chains);
	json_object_set_new(j, "dp_in_port", json_integer((json_int_t)in_port_of(mf)));
}

struct fill {
	struct bridges *b;
	json_t *list;
};

static void add_part(struct fill *f, json_t *chain, const struct hal_megaflow *mf)
{
	json_t *parts = json_object_get(chain, "parts"), *j;

	if (json_array_size(parts) == MAX_PARTS)
		return;
	j = explain_megaflow(f->b, mf);
	explain_places(f->b, mf, j);
	json_array_append_new(parts, j);
}

static void fill_one(void *ctx, const struct pl_megaflow_info *info)
{
	const struct hal_megaflow *mf = info->mf;
	struct fill *f = ctx;
	json_t *m, *chain;
	size_t i, k;

	if (!mf->chain)
		return;
	json_array_foreach (f->list, i, m) {
		if (json_integer_value(json_object_get(m, "dp_in_port")) != in_port_of(mf))
			continue;
		json_array_foreach (json_object_get(m, "chains"), k, chain)
			if (json_integer_value(json_object_get(chain, "recirc_id")) == mf->chain)
				add_part(f, chain, mf);
	}
}

void explain_parts_fill(struct bridges *b, json_t *list)
{
	struct fill f = {b, list};

	pipeline_megaflows(b->cfg.pl, fill_one, &f);
}
