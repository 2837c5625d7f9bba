/* SPDX-License-Identifier: Apache-2.0 */
#include "rig.h"

#include <stdlib.h>
#include <string.h>

#include <rte_mempool.h>

#include "hal/base/rcu.h"

static unsigned mbufs_before;

static struct hal_megaflow *on_translate(void *ctx, unsigned worker, const struct hal_key *key,
	const struct rte_mbuf *pkt, bool *cache)
{
	struct rig *r = ctx;
	struct hal_megaflow *mf;

	(void)pkt;
	r->translated++;
	mf = r->translate ? r->translate(r, key, cache) : NULL;
	if (mf)
		mf->maker = (uint16_t)(worker + r->foreign);
	return mf;
}

static void on_controller(void *ctx, unsigned worker, const struct hal_act_controller *act,
	const struct rte_mbuf *pkt, const struct hal_key *key)
{
	struct rig *r = ctx;

	(void)worker;
	(void)act;
	r->controller_len = pkt->pkt_len;
	r->controller_mark = rte_be_to_cpu_32(key->pkt_mark);
	r->controller++;
}

void rig_open(struct rig *r, unsigned workers, const struct swpath_port_class *class)
{
	struct swpath_config cfg = {
		.n_workers = workers,
		.ops = {.translate = on_translate, .to_controller = on_controller, .ctx = r},
	};
	char err[256] = "";

	memset(r, 0, sizeof(*r));
	mbufs_before = rte_mempool_avail_count(test_pool());
	CU_ASSERT_EQUAL_FATAL(swpath_open(&cfg, &r->sp, err, sizeof(err)), 0);
	for (uint32_t i = 1; i <= RIG_PORTS; i++) {
		struct swpath_port_config port = {.name = "fake", .mtu = 1500, .id = i};
		uint32_t id;

		CU_ASSERT_EQUAL_FATAL(
			swpath_port_add_class(r->sp, &port, class, &id, err, sizeof(err)), 0);
		CU_ASSERT_EQUAL(id, i);
	}
}

void rig_close(struct rig *r)
{
	swpath_close(r->sp, false);
	for (unsigned i = 0; i < r->n_made; i++)
		hal_megaflow_unref(r->made[i]);
	CU_ASSERT_EQUAL(test_megaflows_alive(), 0);
	CU_ASSERT_EQUAL(rte_mempool_avail_count(test_pool()), mbufs_before);
}

void rig_sync(struct rig *r)
{
	CU_ASSERT_EQUAL(swpath_sync(r->sp, 2000), 0);
}

struct hal_program *rig_output(uint32_t port)
{
	struct hal_builder b;

	hal_builder_init(&b);
	hal_build_output(&b, port);
	return hal_builder_finish(&b);
}

struct hal_megaflow *rig_made(struct rig *r, struct hal_megaflow *mf, bool *cache)
{
	hal_megaflow_ref(mf);
	*cache = true;
	r->made[r->n_made] = mf;
	r->n_made++;
	return mf;
}

struct hal_megaflow *rig_to_out_port(struct rig *r, const struct hal_key *key, bool *cache)
{
	struct hal_key mask = {.in_port = UINT32_MAX, .recirc_id = UINT32_MAX};

	memset(mask.eth_dst, 0xff, sizeof(mask.eth_dst));
	return rig_made(r, test_megaflow(key, &mask, rig_output(r->out_port)), cache);
}

void rig_receive(struct rig *r, uint32_t from, const struct frame *f)
{
	fake_receive(r->sp, from, test_mbuf(f, 0));
}

uint64_t rig_drops(struct rig *r, enum swpath_drop why)
{
	struct swpath_stats stats;

	swpath_stats_read(r->sp, &stats);
	return stats.drops[why];
}
