/* SPDX-License-Identifier: Apache-2.0
 *
 * Megaflows that are born while something changes: whatever the moment, none that is stale may
 * stay. A change is made at a given point of the translation by a hook on the clock (read when a
 * translation is finished, before it is registered) or on the wake-up (sent when it is registered,
 * before its maker looks at the version again).
 */
#include <string.h>

#include "hal/base/rcu.h"
#include "tests/unit/pipeline/test.h"

static void change(void)
{
	rig_flow("cookie=2,priority=50000,tcp,actions=output:3");
}

static void take_births(void)
{
	registry_take_births(rig.pl);
}

static void change_then_adopt(void)
{
	change();
	/* The next wake-up is that of the stale one. */
	rig.on_wake = take_births;
}

static struct hal_megaflow *translate(bool *cache)
{
	struct hal_key key = rig_key("in_port=1,tcp,tp_dst=80");
	struct hal_megaflow *mf = pipeline_translate(rig.pl, 0, &key, NULL, cache);

	if (mf && *cache)
		mf_set_add(&paths.young, mf);
	return mf;
}

static const char *program_of(const struct hal_megaflow *mf)
{
	static char text[512];

	hal_program_format(mf->program, NULL, NULL, text, sizeof(text));
	return text;
}

static void start(void)
{
	rig_ports(4);
	rig_flow("cookie=1,tcp,actions=output:2");
	rig_settle();
	atomic_store(&rig.pl->woken, false);
}

static void finish(const struct hal_megaflow *mf, bool cache)
{
	CU_ASSERT_FATAL(mf != NULL);
	CU_ASSERT(cache);
	EXPECT_TEXT(program_of(mf), "output(103)");
	CU_ASSERT(hal_megaflow_usable(mf));
	rig_settle();
	CU_ASSERT_EQUAL(rig_check_live("born in a change"), 1);
}

/* Registered, then changed: the look for dependents finds it, and its maker the new version. */
static void registered_then_changed(void)
{
	bool cache = false;
	struct hal_megaflow *mf;

	start();
	rig.on_wake = change;
	mf = translate(&cache);
	CU_ASSERT_EQUAL(atomic_load(&rig.pl->raced), 1);
	finish(mf, cache);
}

/* Translated, then changed, then registered: nobody looked at it. */
static void changed_then_registered(void)
{
	bool cache = false;
	struct hal_megaflow *mf;

	start();
	rig.on_clock = change;
	mf = translate(&cache);
	CU_ASSERT_EQUAL(atomic_load(&rig.pl->raced), 1);
	finish(mf, cache);
}

/* The same, and adopted before its maker looks at the version again. */
static void changed_then_adopted(void)
{
	bool cache = false;
	struct hal_megaflow *mf;

	start();
	rig.on_clock = change_then_adopt;
	mf = translate(&cache);
	CU_ASSERT(!rig.on_wake);
	finish(mf, cache);
}

static struct hal_megaflow *inner;

static void translate_inside(void)
{
	bool cache = true;

	inner = translate(&cache);
	CU_ASSERT(!cache);
}

/* While something changes nothing is made to stay. */
static void in_the_middle(void)
{
	struct hal_key key = rig_key("in_port=1,tcp,tp_dst=80");

	start();
	pipeline_change_begin(rig.pl);
	translate_inside();
	CU_ASSERT_FATAL(inner != NULL);
	EXPECT_TEXT(program_of(inner), "output(102)");
	atomic_fetch_add(&hal_megaflow_sw(inner, 0)->packets, 3);
	atomic_fetch_add(&hal_megaflow_sw(inner, 0)->bytes, 300);
	pipeline_change_end(rig.pl);
	rig_settle();
	CU_ASSERT(!rig_live(&key));
	/* What it carried is counted all the same. */
	CU_ASSERT_EQUAL(rig_packets(1), 3);
}

static void twins(void)
{
	struct hal_megaflow *a, *b;
	bool cache;

	start();
	a = translate(&cache);
	CU_ASSERT_FATAL(a != NULL && cache);
	b = translate(&cache);
	CU_ASSERT_FATAL(b != NULL && cache && a != b);
	CU_ASSERT(hal_ufid_equal(&a->ufid, &b->ufid));
	atomic_fetch_add(&hal_megaflow_sw(a, 0)->packets, 1);
	atomic_fetch_add(&hal_megaflow_sw(b, 0)->packets, 1);
	atomic_fetch_add(&hal_megaflow_sw(a, 0)->bytes, 100);
	atomic_fetch_add(&hal_megaflow_sw(b, 0)->bytes, 100);
	rig_settle();
	CU_ASSERT_EQUAL(rig_check_live("twins"), 1);
	CU_ASSERT_EQUAL(rig_packets(1), 2);
}

static void full(void)
{
	struct hal_key key = rig_key("in_port=1,tcp,tp_dst=1");
	unsigned served = 0, lost = 0, cached = 0;

	start();
	/* The ring takes 65,535; as many packets again are served without a place in it. */
	for (unsigned i = 0; i < 140000; i++) {
		struct hal_megaflow *mf;
		bool cache;

		key.tp_dst = rte_cpu_to_be_16((uint16_t)i);
		mf = pipeline_translate(rig.pl, 0, &key, NULL, &cache);
		if (!mf) {
			lost++;
			continue;
		}
		served++;
		atomic_fetch_add(&hal_megaflow_sw(mf, 0)->packets, 1);
		atomic_fetch_add(&hal_megaflow_sw(mf, 0)->bytes, 100);
		cached += cache;
		if (cache)
			hal_megaflow_unref(mf);
	}
	CU_ASSERT_EQUAL(cached, 65535);
	CU_ASSERT_EQUAL(served, 65535 + 65536);
	CU_ASSERT_EQUAL(atomic_load(&rig.pl->effects_dropped), lost);
	rig_settle();
	CU_ASSERT_EQUAL(rig_check_live("of a full ring"), 1);
	CU_ASSERT_EQUAL(rig_packets(1), served);
}

/* At the limit packets are served, and counted, one by one. */
static void limit(void)
{
	struct pipeline_stats st;

	start();
	rig_flow("priority=9,cookie=7,udp,tp_dst=1,actions=output:2");
	pipeline_set_flow_limit(rig.pl, 2);
	rig_send_text("in_port=1,tcp,tp_dst=80", 1);
	rig_send_text("in_port=1,udp,tp_dst=1", 1);
	rig_settle();
	CU_ASSERT_EQUAL(rig_check_live("up to the limit"), 2);
	for (unsigned i = 0; i < 3; i++)
		rig_send_text("in_port=2,udp,tp_dst=1", 1);
	rig_sweep(0);
	CU_ASSERT_EQUAL(rig_check_live("at the limit"), 2);
	CU_ASSERT_EQUAL(rig_packets(7), 4);
	pipeline_stats_read(rig.pl, &st);
	CU_ASSERT_EQUAL(st.limited, 3);
	pipeline_set_flow_limit(rig.pl, 0);
	rig_send_text("in_port=2,udp,tp_dst=1", 1);
	rig_settle();
	CU_ASSERT_EQUAL(rig_check_live("without the limit"), 3);
}

static void max_idle(void)
{
	start();
	pipeline_set_max_idle(rig.pl, 60000);
	rig_send_text("in_port=1,tcp,tp_dst=80", 1);
	rig_sweep(50000);
	CU_ASSERT_EQUAL(rig_check_live("used 50 s ago"), 1);
	pipeline_set_max_idle(rig.pl, 0);
	rig_sweep(1);
	CU_ASSERT_EQUAL(rig_check_live("the default again"), 0);
}

static void idle(void)
{
	start();
	rig_send_text("in_port=1,tcp,tp_dst=80", 1);
	rig_sweep(5000);
	CU_ASSERT_EQUAL(rig_check_live("used 5 s ago"), 1);
	rig_send_text("in_port=1,tcp,tp_dst=80", 1);
	rig_sweep(9000);
	CU_ASSERT_EQUAL(rig_check_live("used 9 s ago"), 1);
	rig_sweep(2000);
	CU_ASSERT_EQUAL(rig_check_live("used 11 s ago"), 0);
	CU_ASSERT_EQUAL(rig_packets(1), 2);
	CU_ASSERT(TAILQ_EMPTY(&rig.pl->all));
}

static void bridge_goes(void)
{
	uint32_t id = rig.br2->id;
	struct hal_megaflow *mf;

	rig_port(rig.br2, 1, PL_VLAN_TRUNK, 0, NULL);
	rig_flow_on(rig.br2, "cookie=1,actions=output:2,NORMAL");
	{
		struct hal_key key = rig_key("in_port=1");

		key.in_port = rte_cpu_to_be_32(201);
		mf = rig_send(&key, 1);
	}
	CU_ASSERT_FATAL(mf != NULL);
	hal_megaflow_ref(mf); /* a worker keeps it for long */
	rig_settle();
	pipeline_bridge_remove(rig.pl, rig.br2);
	CU_ASSERT(!pipeline_bridge_find(rig.pl, "br2"));
	for (unsigned i = 0; i < 8; i++)
		rig_sweep(3000);
	CU_ASSERT(!LIST_EMPTY(&rig.pl->gone_bridges));
	CU_ASSERT_EQUAL(LIST_FIRST(&rig.pl->gone_bridges)->id, id);
	atomic_fetch_add(&hal_megaflow_sw(mf, 0)->packets, 1);
	hal_megaflow_unref(mf);
	for (unsigned i = 0; i < 2; i++)
		rig_sweep(1);
	CU_ASSERT(LIST_EMPTY(&rig.pl->gone_bridges));
}

static void no_room_to_replace(void)
{
	start();
	rig_send_text("in_port=1,tcp,tp_dst=80", 1);
	rig_settle();
	paths.no_replace = true;
	rig_mod(OF_FLOW_MODIFY, 4, "tcp,actions=output:4");
	rig_settle();
	CU_ASSERT_EQUAL(rig_check_live("replaced the long way"), 1);
}

CU_TestInfo birth_tests[] = {
	{"registered, then changed", registered_then_changed},
	{"changed, then registered", changed_then_registered},
	{"changed, then registered and adopted", changed_then_adopted},
	{"in the middle of a change", in_the_middle},
	{"twins", twins},
	{"a full ring", full},
	{"a limit of megaflows", limit},
	{"how long megaflows may be idle", max_idle},
	{"idle megaflows go", idle},
	{"a bridge goes last", bridge_goes},
	{"no memory to replace one", no_room_to_replace},
	CU_TEST_INFO_NULL,
};
