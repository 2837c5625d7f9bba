/* SPDX-License-Identifier: Apache-2.0
 *
 * A software path and an offload engine that record what the pipeline tells them.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hal/base/rcu.h"
#include "offload/objects.h"
#include "offload/offload.h"
#include "swpath/meter.h"
#include "swpath/swpath.h"
#include "tests/unit/pipeline/test.h"

struct fake_paths paths;

bool mf_set_has(const struct mf_set *s, const struct hal_megaflow *mf)
{
	for (unsigned i = 0; i < s->n; i++)
		if (s->mf[i] == mf)
			return true;
	return false;
}

void mf_set_add(struct mf_set *s, struct hal_megaflow *mf)
{
	if (s->n == s->capacity) {
		s->capacity = s->capacity ? s->capacity * 2 : 64;
		s->mf = realloc(s->mf, s->capacity * sizeof(struct hal_megaflow *));
		if (!s->mf)
			abort();
	}
	s->mf[s->n++] = mf;
}

bool mf_set_take(struct mf_set *s, const struct hal_megaflow *mf)
{
	for (unsigned i = 0; i < s->n; i++)
		if (s->mf[i] == mf) {
			s->mf[i] = s->mf[--s->n];
			return true;
		}
	return false;
}

void mf_set_clear(struct mf_set *s)
{
	while (s->n)
		hal_megaflow_unref(s->mf[--s->n]);
	free(s->mf);
	*s = (struct mf_set){0};
}

static void unref(void *mf)
{
	hal_megaflow_unref(mf);
}

int swpath_megaflow_install(struct swpath *sp, struct hal_megaflow *mf)
{
	(void)sp;
	hal_megaflow_ref(mf);
	mf_set_add(&paths.installed, mf);
	atomic_store(&mf->installed, true);
	paths.installs++;
	return 0;
}

void swpath_megaflow_remove(struct swpath *sp, struct hal_megaflow *mf)
{
	(void)sp;
	paths.removes++;
	EXPECT(!hal_megaflow_usable(mf), "retiring before it is removed");
	if (mf_set_take(&paths.installed, mf))
		rcu_defer(unref, mf);
}

int swpath_megaflow_replace(struct swpath *sp, struct hal_megaflow *from, struct hal_megaflow *to)
{
	(void)sp;
	if (paths.no_replace)
		return -ENOMEM;
	EXPECT(hal_cmatch_equal(from->match, to->match), "the successor has the same match");
	EXPECT(hal_megaflow_usable(from) && hal_megaflow_usable(to), "no gap between the two");
	EXPECT(mf_set_take(&paths.installed, from), "what is replaced is there");
	hal_megaflow_ref(to);
	mf_set_add(&paths.installed, to);
	atomic_store(&to->installed, true);
	rcu_defer(unref, from);
	paths.replaces++;
	return 0;
}

bool swpath_masks_full(struct swpath *sp, unsigned worker, const struct hal_key *key,
	const struct hal_key *mask, struct hal_key *all)
{
	(void)sp;
	(void)worker;
	(void)key;
	memset(all, 0, sizeof(*all));
	memset(all->eth_dst, 0xff,
		offsetof(struct hal_key, ct_nw_proto) - offsetof(struct hal_key, eth_dst));
	memset(all->nd_target, 0xff,
		offsetof(struct hal_key, ct_label) - offsetof(struct hal_key, nd_target));
	return paths.masks_full && memcmp(all, mask, sizeof(*mask));
}

int swpath_sync(struct swpath *sp, unsigned timeout_ms)
{
	(void)sp;
	(void)timeout_ms;
	return 0;
}

int swpath_inject(struct swpath *sp, const struct hal_key *meta, const void *data, size_t len,
	const struct hal_program *program)
{
	(void)sp;
	(void)data;
	(void)len;
	paths.injects++;
	paths.inject_key = *meta;
	hal_program_format(program, NULL, NULL, paths.injected, sizeof(paths.injected));
	return 0;
}

int swpath_meter_set(struct swpath *sp, uint32_t id, const struct hal_meter *cfg)
{
	(void)sp;
	paths.meter = id;
	paths.meter_cfg = *cfg;
	paths.meters_set++;
	return 0;
}

void swpath_meter_del(struct swpath *sp, uint32_t id)
{
	(void)sp;
	(void)id;
	paths.meters_deleted++;
}

int swpath_meter_stats_read(struct swpath *sp, uint32_t id, struct hal_meter_stats *out)
{
	(void)sp;
	*out = (struct hal_meter_stats){.packets = id};
	return 0;
}

int offload_meter_set(struct offload *ol, uint32_t id, const struct hal_meter *meter)
{
	(void)ol;
	(void)meter;
	EXPECT(id == paths.meter, "both paths know a meter by the same number");
	return 0;
}

int offload_meter_del(struct offload *ol, uint32_t id)
{
	(void)ol;
	(void)id;
	return 0;
}

int offload_meter_stats(struct offload *ol, uint32_t id, struct hal_meter_stats *out)
{
	(void)ol;
	*out = (struct hal_meter_stats){.packets = 1000u * id};
	return 0;
}

int swpath_port_stats(struct swpath *sp, uint32_t id, struct hal_port_stats *out)
{
	(void)sp;
	*out = (struct hal_port_stats){.rx_packets = id};
	return 0;
}

int swpath_port_set_admin(struct swpath *sp, uint32_t id, bool up)
{
	(void)sp;
	paths.admin_port = id;
	paths.admin_up = up;
	return 0;
}

int offload_port_stats(
	struct offload *ol, unsigned device, uint32_t port, struct hal_port_stats *out)
{
	(void)ol;
	*out = (struct hal_port_stats){.rx_packets = 1000000u * (device + 1) + port};
	return 0;
}

int offload_megaflow_live(struct offload *ol, struct hal_megaflow *mf)
{
	(void)ol;
	EXPECT(!mf_set_has(&paths.offloaded, mf), "announced once");
	hal_megaflow_ref(mf);
	mf_set_add(&paths.offloaded, mf);
	paths.lives++;
	return 0;
}

int offload_megaflow_withdraw(
	struct offload *ol, struct hal_megaflow *mf, struct hal_megaflow *successor)
{
	(void)ol;
	paths.withdraws++;
	if (!mf_set_take(&paths.offloaded, mf))
		return -ENOENT;
	if (successor) {
		hal_megaflow_ref(successor);
		mf_set_add(&paths.offloaded, successor);
		paths.succeeded++;
	}
	pipeline_withdrawn(rig.pl, mf);
	hal_megaflow_unref(mf);
	return 0;
}

void offload_barrier(struct offload *ol, void (*done)(void *arg), void *arg)
{
	(void)ol;
	done(arg);
}

void offload_refresh(struct offload *ol, void (*done)(void *arg), void *arg)
{
	(void)ol;
	done(arg);
}

void offload_audit(struct offload *ol, void (*done)(void *arg), void *arg)
{
	(void)ol;
	done(arg);
}
