/* SPDX-License-Identifier: Apache-2.0
 *
 * Devices in memory: what tests script and ask.
 */
#include "internal.h"

static struct fake *fakes[MAX_FAKES];
static pthread_mutex_t fakes_lock = PTHREAD_MUTEX_INITIALIZER;

static void default_caps(struct fake *f)
{
	struct hal_caps *c = &f->caps;

	for (enum hal_field_id id = 0; id < FIELD_MAX; id++) {
		if (!hal_field_is_dp(id))
			continue;
		c->match[id] = HAL_MATCH_ANY | HAL_MATCH_PREFIX | HAL_MATCH_EXACT;
		c->set[id] = true;
	}
	strcpy(c->name, "fake");
	memset(c->action, true, sizeof(c->action));
	memset(c->object, true, sizeof(c->object));
	c->set_masked = c->chains = c->atomic_update = c->survives_restart = true;
	c->counts_packets = c->counts_bytes = c->priorities = true;
	c->max_rules = MAX_RULES;
	c->counter_bits = 64;
	c->max_ports = MAX_PORTS;
	c->max_vlan_tags = 2;
}

struct fake *fake_get(const char *name)
{
	struct fake *f = NULL;

	pthread_mutex_lock(&fakes_lock);
	for (unsigned i = 0; i < MAX_FAKES && !f; i++) {
		if (fakes[i] && strcmp(fakes[i]->name, name))
			continue;
		if (!fakes[i]) {
			fakes[i] = calloc(1, sizeof(*f));
			strncpy(fakes[i]->name, name, sizeof(f->name) - 1);
			pthread_mutex_init(&fakes[i]->lock, NULL);
			pthread_cond_init(&fakes[i]->unblocked, NULL);
			default_caps(fakes[i]);
			fakes[i]->max_rules = MAX_RULES;
			fakes[i]->no_field = FIELD_INVALID;
			fakes[i]->generation = fakes[i]->counter_generation = 1;
		}
		f = fakes[i];
	}
	pthread_mutex_unlock(&fakes_lock);
	return f;
}

void fake_wipe(struct fake *f)
{
	fake_wipe_objects(f);
	for (unsigned i = 0; i < MAX_RULES; i++) {
		free(f->rules[i].match);
		free(f->rules[i].program);
	}
	memset(f->rules, 0, sizeof(f->rules));
	f->n_rules = 0;
}

void fake_free_all(void)
{
	for (unsigned i = 0; i < MAX_FAKES; i++) {
		if (!fakes[i])
			continue;
		fake_wipe(fakes[i]);
		free(fakes[i]);
		fakes[i] = NULL;
	}
}

/* ---- scripts ---- */

struct hal_caps *fake_caps(struct fake *f)
{
	return &f->caps;
}

void fake_reject(struct fake *f, unsigned n, enum hal_op_type type, enum hal_reason_code code)
{
	WITH(f, f->reject = ((struct script){n, type, code}));
}

void fake_fail_late(struct fake *f, unsigned n, enum hal_op_type type, enum hal_reason_code code)
{
	WITH(f, f->late = ((struct script){n, type, code}));
}

void fake_lose(struct fake *f, unsigned n)
{
	WITH(f, f->lose = n);
}

void fake_repeat(struct fake *f, unsigned n)
{
	WITH(f, f->repeat = n);
}

void fake_refuse_field(struct fake *f, enum hal_field_id id)
{
	WITH(f, f->no_field = id);
}

void fake_no_bind(struct fake *f, uint32_t port)
{
	WITH(f, f->no_bind = port);
}

void fake_max_rules(struct fake *f, unsigned n)
{
	WITH(f, f->max_rules = n; f->caps.max_rules = n);
}

void fake_wake(struct fake *f)
{
	if (f->env.wake)
		f->env.wake(f->env.wake_ctx);
}

void fake_hold(struct fake *f, bool hold)
{
	WITH(f, f->hold = hold);
	fake_wake(f);
}

void fake_block(struct fake *f, bool block)
{
	WITH(f, f->block = block; pthread_cond_broadcast(&f->unblocked));
}

void fake_cut(struct fake *f)
{
	WITH(f, f->gone = true; f->n_pending = 0);
	fake_wake(f);
}

void fake_kill(struct fake *f)
{
	WITH(f, f->gone = true; f->n_pending = 0; f->generation++; f->counter_generation++;
		fake_wipe(f); memset(f->ports, 0, sizeof(f->ports)));
	fake_wake(f);
}

void fake_revive(struct fake *f)
{
	WITH(f, f->gone = false);
}

void fake_reset(struct fake *f)
{
	WITH(f, f->generation++; f->counter_generation++; fake_wipe(f);
		memset(f->ports, 0, sizeof(f->ports)));
}

struct fake_rule *fake_find(struct fake *f, const struct hal_ufid *ufid)
{
	for (unsigned i = 0, seen = 0; i < MAX_RULES && seen < f->n_rules; i++) {
		seen += f->rules[i].used;
		if (f->rules[i].used && hal_ufid_equal(&f->rules[i].ufid, ufid))
			return &f->rules[i];
	}
	return NULL;
}

bool fake_hit(struct fake *f, const struct hal_ufid *ufid, uint64_t packets, uint64_t bytes)
{
	struct fake_rule *r;
	uint64_t mask = f->caps.counter_bits < 64 ? (1ull << f->caps.counter_bits) - 1 : ~0ull;

	pthread_mutex_lock(&f->lock);
	r = fake_find(f, ufid);
	if (r) {
		r->counter.packets = (r->counter.packets + packets) & mask;
		r->counter.bytes = (r->counter.bytes + bytes) & mask;
		r->counter.hit = true;
	}
	pthread_mutex_unlock(&f->lock);
	return r;
}

bool fake_stream(struct fake *f, const struct hal_ufid *ufid, unsigned pps)
{
	struct fake_rule *r;

	pthread_mutex_lock(&f->lock);
	r = fake_find(f, ufid);
	if (r) {
		r->pps = pps;
		r->streamed_ms = hal_now_ms();
	}
	pthread_mutex_unlock(&f->lock);
	return r;
}

void fake_restart_counters(struct fake *f)
{
	pthread_mutex_lock(&f->lock);
	f->counter_generation++;
	for (unsigned i = 0; i < MAX_RULES; i++)
		f->rules[i].counter.packets = f->rules[i].counter.bytes = 0;
	pthread_mutex_unlock(&f->lock);
}

QUERY(unsigned, fake_rules, f->n_rules)
QUERY(unsigned, fake_checks, f->checks)
QUERY(unsigned, fake_overlaps, f->overlaps)
QUERY(unsigned, fake_dumps, f->dumps)
QUERY(unsigned, fake_objects, f->objects)

unsigned fake_ops(struct fake *f, enum hal_op_type type)
{
	unsigned v;

	WITH(f, v = f->ops[type]);
	return v;
}

bool fake_has(struct fake *f, const struct hal_ufid *ufid)
{
	bool v;

	WITH(f, v = fake_find(f, ufid) != NULL);
	return v;
}

bool fake_program_is(struct fake *f, const struct hal_ufid *ufid, const struct hal_program *program)
{
	struct fake_rule *r;
	bool v;

	WITH(f, r = fake_find(f, ufid); v = r && hal_program_equal(r->program, program));
	return v;
}

unsigned fake_port_slot(const struct fake *f, uint32_t port)
{
	unsigned i = 0;

	while (i < MAX_PORTS && f->ports[i] != port)
		i++;
	return i;
}

bool fake_bound(struct fake *f, uint32_t port)
{
	bool v;

	WITH(f, v = fake_port_slot(f, port) < MAX_PORTS);
	return v;
}

bool fake_scripted(struct script *s, enum hal_op_type type)
{
	if (!s->n || s->type != type)
		return false;
	if (s->n != UINT_MAX)
		s->n--;
	return true;
}

void *fake_dup_bytes(const void *from, size_t len)
{
	return memcpy(malloc(len), from, len);
}

void fake_program(struct fake *f, const struct hal_ufid *ufid, char *buf, size_t n)
{
	const struct fake_rule *r;

	buf[0] = 0;
	WITH(f, r = fake_find(f, ufid); if (r) hal_program_format(r->program, NULL, NULL, buf, n));
}

/* ---- rules ---- */

void fake_rule(struct hal_rule *rule, uint32_t n, uint32_t in_port, uint32_t out)
{
	struct hal_key key = {0}, mask = {0};
	struct hal_builder b;

	key.in_port = rte_cpu_to_be_32(in_port);
	memset(&mask.in_port, 0xff, sizeof(mask.in_port));
	memcpy(key.eth_dst, (uint8_t[]){2, 0, n >> 24, n >> 16, n >> 8, n}, 6);
	memset(mask.eth_dst, 0xff, 6);
	hal_builder_init(&b);
	if (out)
		hal_build_output(&b, out);
	memset(rule, 0, sizeof(*rule));
	rule->match = hal_cmatch_new_dp(&key, &mask);
	rule->program = hal_builder_finish(&b);
	rule->ufid = (struct hal_ufid){{0x1000 + n, in_port}};
	rule->priority = 1;
}

void fake_rule_free(struct hal_rule *rule)
{
	free((void *)(uintptr_t)rule->match);
	free((void *)(uintptr_t)rule->program);
}
