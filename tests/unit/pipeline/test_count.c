/* SPDX-License-Identifier: Apache-2.0
 *
 * Whatever changes meanwhile, each packet is counted once by each flow that it met.
 */
#include <stdlib.h>
#include <string.h>

#include "ofctl/pipeline/clock.h"
#include "tests/unit/pipeline/test.h"

/* ---- a book of what flows should count, by cookie ---- */

#define BOOK 8192
static uint64_t book[BOOK], final[BOOK];
static bool is_final[BOOK];

static void note_removed(const struct of_flow_removed *fr)
{
	EXPECT(fr->stats.cookie < BOOK && !is_final[fr->stats.cookie], "removed once");
	final[fr->stats.cookie] = fr->stats.packets;
	is_final[fr->stats.cookie] = true;
}

static void compare(void *ctx, const struct of_flow_stats *fs)
{
	unsigned *n = ctx;

	EXPECT(fs->packets == book[fs->cookie], "a flow counts its packets");
	EXPECT(fs->bytes == 100 * book[fs->cookie], "a flow counts its bytes");
	*n += fs->packets > 0;
}

static void send_some(void)
{
	unsigned packets = 1 + rnd_below(5);
	struct pl_megaflow *m;
	struct hal_key key;

	gen_key(&key);
	if (!rig_send(&key, packets))
		return;
	m = rig_translate(&key);
	for (unsigned i = 0; m && i < m->n_credits; i++)
		if (m->credits[i].type == CREDIT_FLOW && m->credits[i].flow->br == rig.br)
			book[m->credits[i].flow->cookie] += packets;
	if (m)
		megaflow_free(&m->mf);
	/* What it learns comes before the next packet, so that both agree. */
	if (one_in(2))
		rig_settle();
}

static void change_some(uint64_t *cookie)
{
	struct of_flow_mod fm;
	struct flow *f = gen_some_flow(3);

	gen_flow(&fm);
	fm.cookie = ++*cookie % BOOK;
	fm.flags |= OF_FLOW_SEND_REMOVED;
	if (f && one_in(2)) {
		fm.command = one_in(2) ? OF_FLOW_DELETE_STRICT : OF_FLOW_MODIFY_STRICT;
		fm.table = f->table;
		fm.priority = f->priority;
		hal_cmatch_expand(f->match, &fm.match);
		if (fm.ins.has_goto && fm.ins.goto_table <= fm.table)
			fm.ins.has_goto = false;
	}
	pl_flow_mod(rig.br, &fm);
	of_instructions_free(&fm.ins);
}

static void random_counts(void)
{
	uint64_t cookie = 0;
	unsigned counted = 0, n_final = 0;
	struct of_flow_filter all = {
		.table = OF_TABLE_ALL, .out_port = OF_PORT_ANY, .out_group = OF_GROUP_ANY};

	memset(book, 0, sizeof(book));
	memset(final, 0, sizeof(final));
	memset(is_final, 0, sizeof(is_final));
	gen_ports();
	pl_flow_flush(rig.br);
	rig_settle();
	rig.on_removed = note_removed;
	for (unsigned i = 0; i < 25; i++)
		change_some(&cookie);
	for (unsigned round = 0; round < 1200; round++) {
		send_some();
		if (one_in(4)) {
			change_some(&cookie);
			if (one_in(2))
				rig_settle();
		}
		if (one_in(20))
			gen_station();
		if (one_in(20))
			credit_all(rig.pl);
		if (one_in(40))
			rig_sweep(500);
	}
	rig_packets(0);
	pl_flow_list(rig.br, &all, compare, &counted);
	CU_ASSERT(counted > 3);
	for (unsigned i = 0; i < BOOK; i++)
		if (is_final[i]) {
			EXPECT(final[i] == book[i], "the last count is complete");
			n_final += final[i] > 0;
		}
	CU_ASSERT(n_final > 5);
	rig.on_removed = NULL;
}

/* ---- hardware ---- */

static void both_paths(void)
{
	struct hal_megaflow_hw *hw;
	struct hal_megaflow *mf;

	rig_ports(2);
	rig_flow("cookie=1,tcp,idle_timeout=5,actions=goto_table:1");
	rig_flow("table=1,cookie=2,actions=output:2");
	mf = rig_send_text("in_port=1,tcp", 3);
	rig_settle();
	hw = hal_megaflow_hw_make(mf);
	atomic_store(&hw->packets, 10);
	atomic_store(&hw->bytes, 1000);
	CU_ASSERT_EQUAL(rig_packets(1), 13);
	CU_ASSERT_EQUAL(rig_packets(2), 13);
	/* What only a device sees keeps flow and megaflow alive. */
	for (unsigned i = 0; i < 6; i++) {
		rig.ahead_ms += 3000;
		atomic_fetch_add(&hw->packets, 1);
		atomic_fetch_add(&hw->bytes, 100);
		atomic_store(&hw->used_ms, clock_ms());
		rig_sweep(0);
	}
	CU_ASSERT_EQUAL(rig_packets(1), 19);
	CU_ASSERT_EQUAL(rig_check_live("used in hardware"), 1);
	rig_sweep(6000);
	CU_ASSERT_EQUAL(rig_packets(1), UINT64_MAX);
	CU_ASSERT_EQUAL(rig_packets(2), 19);
}

static void a_flow_twice(void)
{
	rig_ports(2);
	rig_flow("cookie=1,actions=resubmit(,1),resubmit(,1),output:2");
	rig_flow("table=1,cookie=2,actions=drop");
	rig_send_text("in_port=1", 4);
	CU_ASSERT_EQUAL(rig_packets(1), 4);
	CU_ASSERT_EQUAL(rig_packets(2), 8);
}

static unsigned dones;

static void done(void *arg)
{
	dones++;
	CU_ASSERT_PTR_EQUAL(arg, &dones);
}

static void refresh(void)
{
	rig_ports(2);
	rig_flow("cookie=1,actions=output:2");
	rig_send_text("in_port=1", 4);
	dones = 0;
	pipeline_refresh(rig.pl, done, &dones);
	CU_ASSERT_EQUAL(dones, 1);
	CU_ASSERT_EQUAL(TAILQ_FIRST(&rig.br->tables[0].flows)->counter->packets, 4);
	pipeline_barrier(rig.pl, done, &dones);
	CU_ASSERT_EQUAL(dones, 2);
	rig_settle();
}

struct seen {
	unsigned n;
	uint64_t sw, hw, cookie;
};

static void see(void *ctx, const struct pl_megaflow_info *info)
{
	struct seen *s = ctx;

	s->n++;
	s->sw = info->sw_packets;
	s->hw = info->hw_packets;
	s->cookie = info->n_cookies ? info->cookies[info->n_cookies - 1] : 0;
}

static void listing(void)
{
	struct pipeline_stats st;
	struct hal_megaflow *mf;
	struct seen s = {0};

	rig_ports(2);
	rig_flow("cookie=1,actions=goto_table:1");
	rig_flow("table=1,cookie=2,actions=output:2");
	mf = rig_send_text("in_port=1", 4);
	atomic_store(&hal_megaflow_hw_make(mf)->packets, 6);
	pipeline_megaflows(rig.pl, see, &s);
	CU_ASSERT(s.n == 1 && s.sw == 4 && s.hw == 6 && s.cookie == 2);
	pipeline_stats_read(rig.pl, &st);
	CU_ASSERT(st.megaflows == 1 && st.translations == 1 && st.retranslations == 0);
	rig_settle();
}

CU_TestInfo count_tests[] = {
	{"every packet once", random_counts},
	{"software and hardware together", both_paths},
	{"a flow that is met twice counts twice", a_flow_twice},
	{"refresh and barrier", refresh},
	{"what users see of megaflows", listing},
	CU_TEST_INFO_NULL,
};
