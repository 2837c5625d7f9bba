/* SPDX-License-Identifier: Apache-2.0
 *
 * Objects come before the rules that name them and go after: groups, mirrors, tunnels, descriptions
 * that come late, faults, a reset, and what a former run left.
 */
#include "test_offload.h"

static struct hal_builder b;

static struct hal_caps *caps_of(const char *name)
{
	struct hal_caps *c;

	fake = fake_get(name);
	c = fake_caps(fake);
	c->outputs_by_group = true;
	c->action[ACTION_TRUNC] = false;
	return c;
}

static void done(struct test_mf **t, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		withdraw(t[i], NULL);
	for (unsigned i = 0; i < n; i++)
		mf_put(t[i]);
	CU_ASSERT_EQUAL(fake_dangling(fake), 0);
}

static void outputs(const uint32_t *ports, unsigned n)
{
	hal_builder_init(&b);
	for (unsigned i = 0; i < n; i++)
		hal_build_output(&b, ports[i]);
}

static uint32_t group_of(const struct test_mf *t)
{
	char text[200];
	const char *at;

	fake_program(fake, &t->mf.ufid, text, sizeof(text));
	at = strstr(text, "group(");
	return at ? (uint32_t)strtoul(at + 6, NULL, 10) : 0;
}

/* Equal lists of outputs share a group; it goes with the last. */
static void test_groups(void)
{
	struct test_mf *t[4];
	const struct hal_group *g;
	uint32_t len = 0;

	caps_of("groups");
	begin("groups");
	outputs((uint32_t[]){2, 3}, 2);
	t[0] = mf_built(1, 1, 0, &b);
	outputs((uint32_t[]){2, 3}, 2);
	t[1] = mf_built(2, 1, 0, &b);
	outputs((uint32_t[]){2, 4}, 2);
	t[2] = mf_built(3, 1, 0, &b);
	outputs((uint32_t[]){2}, 1);
	t[3] = mf_built(4, 1, 0, &b);
	for (unsigned i = 0; i < 4; i++)
		live(t[i]);
	barrier();
	CU_ASSERT(PLACED_AS(t[0], "group(#)"));
	CU_ASSERT(PLACED_AS(t[1], "group(#)"));
	CU_ASSERT(PLACED_AS(t[2], "group(#)"));
	CU_ASSERT(PLACED(t[3]));
	CU_ASSERT_EQUAL(group_of(t[0]), group_of(t[1]));
	CU_ASSERT_NOT_EQUAL(group_of(t[0]), group_of(t[2]));
	CU_ASSERT_EQUAL(fake_objects_of(fake, HAL_OBJECT_GROUP), 2);
	CU_ASSERT_EQUAL(info().objects[HAL_OBJECT_GROUP], 2);
	g = fake_object(fake, HAL_OBJECT_GROUP, group_of(t[0]), &len);
	CU_ASSERT_PTR_NOT_NULL_FATAL(g);
	CU_ASSERT_EQUAL(g->n_buckets, 2);
	CU_ASSERT_EQUAL(len, sizeof(*g) + g->len);
	CU_ASSERT_EQUAL(g->len, 2 * (sizeof(struct hal_bucket) + sizeof(struct hal_act_output)));
	withdraw(t[0], NULL);
	barrier();
	CU_ASSERT_EQUAL(fake_objects_of(fake, HAL_OBJECT_GROUP), 2);
	withdraw(t[1], NULL);
	barrier();
	CU_ASSERT_EQUAL(fake_objects_of(fake, HAL_OBJECT_GROUP), 1);
	CU_ASSERT_EQUAL(info().objects[HAL_OBJECT_GROUP], 1);
	mf_put(t[0]);
	mf_put(t[1]);
	done(t + 2, 2);
	CU_ASSERT_EQUAL(fake_objects(fake), 0);
	end();
}

/* What was done until its output is in each bucket, and after the group for what follows. */
static void test_group_order(void)
{
	const uint8_t mac[6] = {2, 0, 0, 0, 0, 9};
	const struct hal_group *g;
	const struct hal_bucket *second;
	struct test_mf *t;
	uint32_t at;

	caps_of("order");
	begin("order");
	hal_builder_init(&b);
	build_meter(&b, 7);
	hal_build_output(&b, 2);
	hal_build_set(&b, FIELD_ETH_SRC, mac, NULL);
	hal_build_output(&b, 3);
	at = hal_build_nested_begin(&b, ACTION_CLONE, 0);
	hal_build_plain(&b, ACTION_POP_VLAN);
	hal_build_output(&b, 4);
	hal_build_nested_end(&b, at);
	build_ct(&b, 5);
	hal_build_output(&b, 1);
	t = mf_built(1, 1, 0, &b);
	CU_ASSERT_EQUAL(offload_meter_set(ol, 7, &(struct hal_meter){.n_bands = 0}), 0);
	live(t);
	barrier();
	CU_ASSERT(REFUSED(t, UNSUPPORTED_COMBINATION)); /* the group, then one more output */
	withdraw(t, NULL);
	mf_put(t);
	fake_caps(fake)->outputs_by_group = true;
	hal_builder_init(&b);
	build_meter(&b, 7);
	hal_build_output(&b, 2);
	hal_build_set(&b, FIELD_ETH_SRC, mac, NULL);
	hal_build_output(&b, 3);
	at = hal_build_nested_begin(&b, ACTION_CLONE, 0);
	hal_build_plain(&b, ACTION_POP_VLAN);
	hal_build_output(&b, 4);
	hal_build_nested_end(&b, at);
	build_ct(&b, 5);
	t = mf_built(2, 1, 0, &b);
	live(t);
	barrier();
	CU_ASSERT(PLACED_AS(t, "meter(7),group(#),set(eth_src=02:00:00:00:00:09),ct(zone=5)") ||
		  program_matches(t, "meter(7),group(#),set(dl_src=02:00:00:00:00:09),ct(zone=5)"));
	g = fake_object(fake, HAL_OBJECT_GROUP, group_of(t), NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(g);
	CU_ASSERT_EQUAL(g->n_buckets, 3);
	second = (const struct hal_bucket *)((const uint8_t *)g->buckets +
					     sizeof(struct hal_bucket) +
					     sizeof(struct hal_act_output));
	CU_ASSERT_EQUAL(second->len, sizeof(struct hal_act_set) + sizeof(struct hal_act_output));
	CU_ASSERT_EQUAL(((const struct hal_action *)(second + 1))->type, ACTION_SET);
	done(&t, 1);
	end();
}

/* Copies that are cut: one mirror object for equal ones. */
static void test_mirrors(void)
{
	struct test_mf *t[3];
	const struct hal_mirror *m;
	char text[200];
	uint32_t at;

	caps_of("mirrors")->outputs_by_group = false;
	begin("mirrors");
	hal_builder_init(&b);
	at = hal_build_nested_begin(&b, ACTION_CLONE, 0);
	build_trunc(&b, 64);
	hal_build_output(&b, 4);
	hal_build_nested_end(&b, at);
	hal_build_output(&b, 2);
	t[0] = mf_built(1, 1, 0, &b);
	hal_builder_init(&b);
	hal_build_output(&b, 2);
	build_trunc(&b, 64);
	hal_build_output(&b, 4);
	t[1] = mf_built(2, 1, 0, &b);
	hal_builder_init(&b);
	build_trunc(&b, 64);
	build_meter(&b, 3); /* not at once before the output: nothing to make a mirror of */
	hal_build_output(&b, 4);
	t[2] = mf_built(3, 1, 0, &b);
	for (unsigned i = 0; i < 3; i++)
		live(t[i]);
	barrier();
	CU_ASSERT(PLACED_AS(t[0], "mirror(#),output(2)"));
	CU_ASSERT(PLACED_AS(t[1], "output(2),mirror(#)"));
	CU_ASSERT(REFUSED(t[2], UNSUPPORTED_ACTION));
	CU_ASSERT_EQUAL(slot(t[2]).reason.action, ACTION_TRUNC);
	CU_ASSERT_EQUAL(fake_objects_of(fake, HAL_OBJECT_MIRROR), 1);
	fake_program(fake, &t[0]->mf.ufid, text, sizeof(text));
	m = fake_object(fake, HAL_OBJECT_MIRROR, (uint32_t)strtoul(text + 7, NULL, 10), NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	CU_ASSERT_EQUAL(m->port, 4);
	CU_ASSERT_EQUAL(m->max_len, 64);
	done(t, 3);
	CU_ASSERT_EQUAL(fake_objects(fake), 0);
	end();
}

static struct test_mf *tunnelled(uint32_t n, bool push)
{
	struct hal_act_tunnel_push *tp;
	struct hal_act_tunnel_pop *pop;

	hal_builder_init(&b);
	if (push) {
		tp = hal_builder_add(&b, ACTION_TUNNEL_PUSH, sizeof(*tp) + 8);
		tp->port = 50;
		tp->header_len = 8;
		hal_build_output(&b, 2);
	} else {
		pop = hal_builder_add(&b, ACTION_TUNNEL_POP, sizeof(*pop));
		pop->port = 50;
	}
	return mf_built(n, 1, 0, &b);
}

/* A tunnel is described late, changed, and taken away. What comes out of it has its port. */
static void test_tunnels(void)
{
	const struct hal_tunnel end1 = {.type = HAL_TUNNEL_VXLAN, .udp_dst = 4789},
				end2 = {.type = HAL_TUNNEL_GENEVE, .udp_dst = 6081};
	struct test_mf *push = tunnelled(1, true), *pop = tunnelled(2, false),
		       *inner = mf_new(3, 50, 2);
	struct test_mf *all[] = {push, pop, inner};
	const struct hal_tunnel *t;

	fake = fake_get("tunnels");
	fake_caps(fake)->resumes = true;
	begin("tunnels");
	live(push);
	live(pop);
	live(inner);
	barrier();
	CU_ASSERT(REFUSED(push, DEPENDS));
	CU_ASSERT_PTR_NOT_NULL(strstr(slot(push).reason.text, "tunnel 50"));
	CU_ASSERT(REFUSED(pop, DEPENDS));
	CU_ASSERT(REFUSED(inner, UNBOUND_PORT));
	CU_ASSERT_EQUAL(offload_tunnel_set(ol, 50, &end1), 0);
	barrier();
	CU_ASSERT(PLACED(push));
	CU_ASSERT(PLACED(pop));
	CU_ASSERT(PLACED(inner));
	t = fake_object(fake, HAL_OBJECT_TUNNEL, 50, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(t);
	CU_ASSERT_EQUAL(t->port, 50);
	CU_ASSERT_EQUAL(t->udp_dst, 4789);
	CU_ASSERT_EQUAL(offload_tunnel_set(ol, 50, &end2), 0);
	barrier();
	t = fake_object(fake, HAL_OBJECT_TUNNEL, 50, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(t);
	CU_ASSERT_EQUAL(t->udp_dst, 6081);
	CU_ASSERT(PLACED(push));
	CU_ASSERT_EQUAL(offload_tunnel_del(ol, 50), 0);
	CU_ASSERT_EQUAL(offload_tunnel_del(ol, 50), -ENOENT);
	barrier();
	CU_ASSERT(REFUSED(push, DEPENDS));
	CU_ASSERT(REFUSED(inner, UNBOUND_PORT));
	CU_ASSERT_EQUAL(fake_rules(fake), 0);
	CU_ASSERT_EQUAL(fake_objects(fake), 0);
	done(all, 3);
	end();
}

/* A device that hands up what it finds no rule for behind a tunnel takes each rule by itself; those
 * for what comes out of the tunnel hold its end. What it handed up is no leak. */
static void test_looking_ahead(void)
{
	const struct hal_tunnel end1 = {.type = HAL_TUNNEL_VXLAN, .udp_dst = 4789};
	struct test_mf *pop = tunnelled(1, false), *inner = mf_new(2, 50, 2),
		       *stays = mf_new(3, 50, 9);
	struct test_mf *all[] = {pop, inner, stays};

	fake = fake_get("ahead");
	fake_caps(fake)->chains = fake_caps(fake)->looks_ahead = true;
	begin("ahead");
	CU_ASSERT_EQUAL(offload_tunnel_set(ol, 50, &end1), 0);
	live(inner);
	barrier();
	CU_ASSERT(PLACED(inner));
	CU_ASSERT_EQUAL(fake_objects_of(fake, HAL_OBJECT_TUNNEL), 1);
	live(pop);
	live(stays);
	barrier();
	CU_ASSERT(PLACED(pop));
	CU_ASSERT(REFUSED(stays, UNBOUND_PORT));
	withdraw(inner, NULL);
	barrier();
	CU_ASSERT(PLACED(pop));
	sleep_ms(1200);
	sw_packets(pop, 4);
	refresh();
	CU_ASSERT_EQUAL(slot(pop).leaked, 0);
	done(all + 2, 1);
	withdraw(pop, NULL);
	mf_put(pop);
	mf_put(inner);
	end();
}

/* The device would not make an object, or has no room for it. */
static void test_faults(void)
{
	struct test_mf *t[3];

	caps_of("object_faults")->max_objects[HAL_OBJECT_GROUP] = 1;
	begin("object_faults");
	for (unsigned i = 0; i < 3; i++) {
		outputs((uint32_t[]){2, i == 2 ? 4 : 3}, 2);
		t[i] = mf_built(i + 1, 1, 0, &b);
	}
	fake_refuse_objects(fake, 2, HAL_REASON_DEVICE_ERROR);
	live(t[0]);
	barrier();
	CU_ASSERT(REFUSED(t[0], DEVICE_ERROR));
	CU_ASSERT_STRING_EQUAL(slot(t[0]).reason.text, "scripted object refusal");
	EVENTUALLY(PLACED_AS(t[0], "group(#)"));
	live(t[1]);
	live(t[2]);
	barrier();
	CU_ASSERT(PLACED_AS(t[1], "group(#)"));
	CU_ASSERT(REFUSED(t[2], NO_ROOM));
	fake_keep_objects(fake, 3); /* it does not go at once: its room comes later */
	withdraw(t[0], NULL);
	withdraw(t[1], NULL);
	EVENTUALLY(PLACED_AS(t[2], "group(#)"));
	CU_ASSERT_EQUAL(fake_objects(fake), 1);
	mf_put(t[0]);
	mf_put(t[1]);
	done(t + 2, 1);
	EVENTUALLY(fake_objects(fake) == 0);
	end();
}

/* Objects are there again before their rules. */
static void test_replay(void)
{
	const struct hal_meter meter = {.n_bands = 1, .band = {{.rate = 100}}};
	struct test_mf *t[20];

	caps_of("replay");
	begin("replay");
	offload_meter_set(ol, 7, &meter);
	for (unsigned i = 0; i < 20; i++) {
		hal_builder_init(&b);
		build_meter(&b, 7);
		hal_build_output(&b, 2);
		hal_build_output(&b, 3 + i % 2);
		live(t[i] = mf_built(i + 1, 1, 0, &b));
	}
	barrier();
	EVENTUALLY(info().placed == 20);
	CU_ASSERT_EQUAL(fake_objects(fake), 3);
	fake_reset(fake);
	EVENTUALLY(info().resets == 1);
	EVENTUALLY(info().placed == 20 && fake_rules(fake) == 20);
	CU_ASSERT_EQUAL(fake_objects(fake), 3);
	CU_ASSERT_EQUAL(info().objects[HAL_OBJECT_GROUP], 2);
	fake_kill(fake);
	sleep_ms(100);
	fake_revive(fake);
	EVENTUALLY(info().placed == 20 && fake_rules(fake) == 20);
	CU_ASSERT_EQUAL(fake_objects(fake), 3);
	fake_cut(fake); /* and it comes back with everything */
	sleep_ms(100);
	fake_revive(fake);
	EVENTUALLY(info().placed == 20 && fake_rules(fake) == 20);
	CU_ASSERT_EQUAL(fake_objects(fake), 3);
	done(t, 20);
	EVENTUALLY(fake_objects(fake) == 0);
	end();
}

/* Rules of a former run that name objects or chains go at once, and their objects. */
static void test_former_run(void)
{
	struct test_mf *t[4];

	caps_of("former");
	begin("former");
	outputs((uint32_t[]){2, 3}, 2);
	t[0] = mf_built(1, 1, 0, &b);
	hal_builder_init(&b);
	build_recirc(&b, 9);
	t[1] = mf_built(2, 1, 0, &b);
	hal_builder_init(&b);
	hal_build_output(&b, 2);
	t[2] = mf_built(2, 1, 9, &b);
	t[3] = mf_new(4, 1, 2);
	for (unsigned i = 0; i < 4; i++)
		live(t[i]);
	EVENTUALLY(fake_rules(fake) == 4);
	end();
	config.adopt_grace_ms = 60000;
	open_engine("former");
	EVENTUALLY(fake_rules(fake) == 1);
	CU_ASSERT(fake_has(fake, &t[3]->mf.ufid)); /* waits to be claimed */
	EVENTUALLY(fake_objects(fake) == 0);
	CU_ASSERT_EQUAL(fake_broken_chains(fake), 0);
	EVENTUALLY(info().removed_foreign == 3);
	for (uint32_t i = 1; i <= 4; i++)
		bind_port(i);
	for (unsigned i = 0; i < 4; i++) {
		free(atomic_exchange(&t[i]->mf.hw, NULL)); /* as if it were new */
		live(t[i]);
	}
	EVENTUALLY(info().placed == 4);
	CU_ASSERT_EQUAL(info().adopted, 1);
	done(t, 4);
	end();
}

void objects_suite(void)
{
	CU_pSuite s = CU_add_suite("objects", NULL, NULL);

	CU_add_test(s, "groups", test_groups);
	CU_add_test(s, "groups and the order of steps", test_group_order);
	CU_add_test(s, "mirrors", test_mirrors);
	CU_add_test(s, "tunnels", test_tunnels);
	CU_add_test(s, "tunnels that are looked into", test_looking_ahead);
	CU_add_test(s, "faults and room", test_faults);
	CU_add_test(s, "replay", test_replay);
	CU_add_test(s, "of a former run", test_former_run);
}
