/* SPDX-License-Identifier: Apache-2.0
 *
 * Workers translate while the control thread changes things: at rest nothing stale is live. Run it
 * under ThreadSanitizer too (-Db_sanitize=thread).
 */
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "hal/base/rcu.h"
#include "tests/unit/pipeline/test.h"

#define THREADS 2
#define CHANGES 200
#define HELD 64

struct maker {
	pthread_t thread;
	unsigned number;
	uint64_t seed;
	_Atomic bool *stop;
	unsigned made;
};

/* Drops young references as a worker does: when they are installed or of no use. */
static unsigned settle(struct hal_megaflow **held, unsigned n, bool all)
{
	unsigned left = 0;

	for (unsigned i = 0; i < n; i++)
		if (!all && hal_megaflow_usable(held[i]) && !atomic_load(&held[i]->installed))
			held[left++] = held[i];
		else
			hal_megaflow_unref(held[i]);
	return left;
}

static void *make(void *arg)
{
	struct hal_megaflow *held[HELD], *mf;
	struct maker *mk = arg;
	int reader = rcu_reader_register();
	unsigned n = 0;

	rnd_seed(mk->seed);
	while (!atomic_load(mk->stop)) {
		struct hal_key key;
		bool cache;

		gen_key(&key);
		/* Stations do move, but not with every packet. */
		if (!one_in(50))
			key.eth_src[5] = (uint8_t)(rte_be_to_cpu_32(key.in_port) - 100);
		mf = pipeline_translate(rig.pl, mk->number, &key, NULL, &cache);
		if (mf) {
			atomic_fetch_add(&hal_megaflow_sw(mf, mk->number)->packets, 1);
			atomic_fetch_add(&hal_megaflow_sw(mf, mk->number)->bytes, 100);
			mk->made++;
		}
		if (mf && cache)
			held[n++] = mf;
		if (n == HELD || one_in(16)) {
			n = settle(held, n, false);
			/* The others would be found in its table until they are installed. */
			if (n == HELD)
				n = settle(held, n, true);
		}
		rcu_quiescent(reader);
		usleep(200 + rnd_below(800));
	}
	settle(held, n, true);
	rcu_reader_unregister(reader);
	return NULL;
}

static void change(void)
{
	char text[128];

	switch (rnd_below(6)) {
	case 0:
	case 1:
		gen_flow_add();
		break;
	case 2:
		snprintf(text, sizeof(text), "table=%u,cookie=%u/0x1f", rnd_below(GEN_TABLES),
			rnd_below(32));
		rig_mod(OF_FLOW_DELETE, 4, text);
		break;
	case 3:
		snprintf(text, sizeof(text), "table=0,tcp,actions=output:%u", 1 + rnd_below(4));
		rig_mod(OF_FLOW_MODIFY, 4, text);
		break;
	case 4:
		gen_station();
		break;
	default:
		if (one_in(4)) {
			rig_patch(rig.br2, GEN_PORTS + 1, "back", one_in(2) ? "there" : "nobody");
		} else {
			uint32_t number = 1 + rnd_below(GEN_PORTS);
			struct pl_port_config cfg;

			gen_port(rig.br, number, &cfg);
			if (pl_port_change(rig.br, &cfg))
				pl_port_add(rig.br, &cfg);
			else if (one_in(4))
				pl_port_remove(rig.br, number);
		}
		break;
	}
}

/* A third bridge comes and goes all the time, with a patch port to the first. */
static void come_and_go(void)
{
	struct pl_bridge *br = pipeline_bridge_find(rig.pl, "br3");

	if (br) {
		pipeline_bridge_remove(rig.pl, br);
		return;
	}
	br = pipeline_bridge_add(rig.pl, "br3", 3);
	rig_patch(br, 2, "over", "under");
	rig_flow_on(br, "actions=IN_PORT,NORMAL");
}

static void race(void)
{
	struct maker makers[THREADS];
	_Atomic bool stop = false;
	unsigned made = 0, live = 0;

	gen_ports();
	rig_patch(rig.br, GEN_PORTS + 2, "under", "over");
	for (unsigned i = 0; i < 20; i++)
		gen_flow_add();
	for (unsigned i = 0; i < THREADS; i++) {
		makers[i] = (struct maker){.number = i, .seed = rnd(), .stop = &stop};
		CU_ASSERT_EQUAL_FATAL(pthread_create(&makers[i].thread, NULL, make, &makers[i]), 0);
	}
	for (unsigned i = 0; i < CHANGES; i++) {
		change();
		if (one_in(16))
			come_and_go();
		registry_take_births(rig.pl);
		notes_run(rig.pl);
		/* Now, with births going on: what is live is true. */
		if (one_in(8))
			live += rig_check_live("while others are born");
		rcu_reclaim();
		usleep(1000);
		/* Too many to look at one by one: those that are idle go. */
		if (hmap_count(&rig.pl->megaflows) > 200)
			rig_sweep(11000);
	}
	atomic_store(&stop, true);
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(makers[i].thread, NULL);
		made += makers[i].made;
	}
	rig_settle();
	rig_check_live("at rest");
	printf("%u made, %u raced, %u looked at ... ", made, (unsigned)atomic_load(&rig.pl->raced),
		live);
	CU_ASSERT(made > 100);
	CU_ASSERT(live > 0);
}

CU_TestInfo race_tests[] = {
	{"births and changes at once", race},
	CU_TEST_INFO_NULL,
};
