/* SPDX-License-Identifier: Apache-2.0 */
#include "test_swpath.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <CUnit/Basic.h>

#include "hal/base/rcu.h"
#include "hal/base/stable.h"
#include "swpath/eal.h"

static _Atomic unsigned alive;

uint32_t test_rand(void)
{
	static uint64_t state = 88172645463325252ull;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 16);
}

struct rte_mempool *test_pool(void)
{
	return swpath_eal_pool();
}

struct rte_mbuf *test_mbuf(const struct frame *f, size_t seg)
{
	struct rte_mbuf *head = rte_pktmbuf_alloc(test_pool()), *m = head;
	size_t at = 0;

	for (;;) {
		size_t n = f->len - at;

		if (seg && n > seg)
			n = seg;
		memcpy(rte_pktmbuf_mtod(m, void *), f->b + at, n);
		m->data_len = (uint16_t)n;
		head->pkt_len += (uint32_t)n;
		at += n;
		if (at == f->len)
			return head;
		m->next = rte_pktmbuf_alloc(test_pool());
		m = m->next;
		head->nb_segs++;
	}
}

bool test_same_bytes(const struct rte_mbuf *m, const uint8_t *bytes, size_t len)
{
	static uint8_t buf[65536];
	const void *data;

	if (m->pkt_len != len)
		return false;
	data = rte_pktmbuf_read(m, 0, (uint32_t)len, buf);
	return data && !memcmp(data, bytes, len);
}

static void release(struct hal_megaflow *mf)
{
	alive--;
	free((void *)mf->match);
	free((void *)mf->program);
	mf->state = MEGAFLOW_DEAD;
	stable_free(STABLE_MEGAFLOW, mf, HAL_MEGAFLOW_SIZE(HAL_MAX_WORKERS));
}

struct hal_megaflow *test_megaflow(
	const struct hal_key *key, const struct hal_key *mask, struct hal_program *program)
{
	struct hal_megaflow *mf = stable_alloc(STABLE_MEGAFLOW, HAL_MEGAFLOW_SIZE(HAL_MAX_WORKERS));

	memset(mf, 0, HAL_MEGAFLOW_SIZE(HAL_MAX_WORKERS));
	mf->n_sw = HAL_MAX_WORKERS;
	mf->match = hal_cmatch_new_dp(key, mask);
	mf->program = program;
	mf->output = program ? hal_program_output(program) : HAL_PORT_NONE;
	mf->chain = rte_be_to_cpu_32(key->recirc_id);
	mf->refs = 1;
	mf->release = release;
	mf->maker = HAL_MAKER_NONE;
	mf->state = MEGAFLOW_BORN;
	alive++;
	return mf;
}

unsigned test_megaflows_alive(void)
{
	return alive;
}

int main(void)
{
	const struct swpath_config cfg = {.dpdk_memory_mb = 64};
	char err[256];
	unsigned failed;

	if (rcu_init() || swpath_eal_start(&cfg, err, sizeof(err))) {
		fprintf(stderr, "%s\n", err);
		return 1;
	}
	if (CU_initialize_registry())
		return 1;
	suite_parse();
	suite_classifier();
	suite_edit();
	suite_kinds();
	suite_program();
	suite_many();
	suite_meter();
	suite_tunnel();
	suite_capture();
	suite_datapath();
	CU_basic_set_mode(CU_BRM_VERBOSE);
	CU_basic_run_tests();
	failed = CU_get_number_of_failures();
	CU_cleanup_registry();
	return failed ? 1 : 0;
}
