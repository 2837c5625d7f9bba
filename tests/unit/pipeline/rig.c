/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include "hal/base/rcu.h"
#include "ofctl/openflow/flow_text.h"
#include "ofctl/pipeline/clock.h"
#include "tests/unit/pipeline/test.h"

struct rig rig;

/* ---- the clock and the wake-up of the control thread, as tests want them ---- */

int __real_clock_gettime(clockid_t id, struct timespec *ts);
ssize_t __real_write(int fd, const void *data, size_t len);
int __wrap_clock_gettime(clockid_t id, struct timespec *ts);
ssize_t __wrap_write(int fd, const void *data, size_t len);
void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_realloc(void *p, size_t size);

static void once(void (**hook)(void))
{
	void (*fn)(void) = *hook;

	*hook = NULL;
	if (fn)
		fn();
}

int __wrap_clock_gettime(clockid_t id, struct timespec *ts)
{
	int error;

	if (rig.on_clock)
		once(&rig.on_clock);
	error = __real_clock_gettime(id, ts);
	if (!error && id == CLOCK_MONOTONIC)
		ts->tv_sec += (time_t)(rig.ahead_ms / 1000) + 1000;
	return error;
}

static _Thread_local unsigned allocations_left;

void rig_fail_allocation(unsigned n)
{
	allocations_left = n;
}

static bool is_refused(void)
{
	return allocations_left && !--allocations_left;
}

void *__wrap_calloc(size_t n, size_t size)
{
	return is_refused() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size)
{
	return is_refused() ? NULL : __real_realloc(p, size);
}

ssize_t __wrap_write(int fd, const void *data, size_t len)
{
	ssize_t n = __real_write(fd, data, len);

	if (rig.on_wake && rig.pl && fd == rig.pl->wake_fd)
		once(&rig.on_wake);
	return n;
}

/* ---- events ---- */

static void on_packet_in(void *ctx, struct pl_bridge *br, const struct of_packet_in *pin)
{
	(void)ctx;
	(void)br;
	rig.packet_ins++;
	rig.pin = *pin;
	if (rig.on_pin)
		rig.on_pin(pin);
}

static void on_flow_removed(void *ctx, struct pl_bridge *br, const struct of_flow_removed *fr)
{
	(void)ctx;
	(void)br;
	rig.removed++;
	rig.gone = *fr;
	if (rig.on_removed)
		rig.on_removed(fr);
}

static void on_port_status(
	void *ctx, struct pl_bridge *br, enum of_port_reason why, const struct of_port_desc *port)
{
	(void)ctx;
	(void)br;
	rig.port_events++;
	rig.port_reason = why;
	rig.port_desc = *port;
}

/* ---- setting up ---- */

void rig_open(void)
{
	static const struct pipeline_ops ops = {
		.packet_in = on_packet_in,
		.flow_removed = on_flow_removed,
		.port_status = on_port_status,
	};

	memset(&rig, 0, sizeof(rig));
	memset(&paths, 0, sizeof(paths));
	rig.base = event_base_new();
	if (!rig.base || pipeline_open(rig.base, &ops, &rig.pl))
		abort();
	/* Never looked into: the paths are ours. */
	pipeline_set_paths(rig.pl, (struct swpath *)&paths, (struct offload *)&paths);
	rig.br = pipeline_bridge_add(rig.pl, "br1", 1);
	rig.br2 = pipeline_bridge_add(rig.pl, "br2", 2);
	if (!rig.br || !rig.br2)
		abort();
}

void rig_close(void)
{
	rig.on_removed = NULL;
	rig.on_clock = rig.on_wake = NULL;
	mf_set_clear(&paths.young);
	mf_set_clear(&paths.installed);
	mf_set_clear(&paths.offloaded);
	pipeline_close(rig.pl);
	rig.pl = NULL;
	event_base_free(rig.base);
	rcu_drain();
	rcu_drain();
}

uint32_t rig_dp_port(const struct pl_bridge *br, uint32_t number)
{
	return (br == rig.br2 ? 200u : 100u) + (number == OF_PORT_LOCAL ? 0 : number);
}

static void config(
	struct pl_bridge *br, uint32_t number, const char *name, struct pl_port_config *cfg)
{
	memset(cfg, 0, sizeof(*cfg));
	if (name)
		snprintf(cfg->name, sizeof(cfg->name), "%s", name);
	else
		snprintf(cfg->name, sizeof(cfg->name), "%s-p%u", pl_bridge_name(br), number);
	cfg->number = number;
	cfg->mac[5] = (uint8_t)number;
}

void rig_port(struct pl_bridge *br, uint32_t number, enum pl_vlan_mode mode, uint16_t tag,
	const char *trunks)
{
	struct pl_port_config cfg;

	config(br, number, NULL, &cfg);
	cfg.dp_port = rig_dp_port(br, number);
	cfg.vlan_mode = mode;
	cfg.tag = tag;
	for (char *end; trunks && *trunks; trunks = *end ? end + 1 : end) {
		unsigned long vid = strtoul(trunks, &end, 10);

		cfg.trunks[vid / 64] |= 1ull << (vid % 64);
	}
	EXPECT(!(pl_port_by_name(br, cfg.name) == OF_PORT_ANY ? pl_port_add(br, &cfg)
							      : pl_port_change(br, &cfg)),
		cfg.name);
}

void rig_patch(struct pl_bridge *br, uint32_t number, const char *name, const char *peer)
{
	struct pl_port_config cfg;

	config(br, number, name, &cfg);
	cfg.dp_port = HAL_PORT_NONE;
	snprintf(cfg.patch_peer, sizeof(cfg.patch_peer), "%s", peer);
	EXPECT(!(pl_port_by_name(br, cfg.name) == OF_PORT_ANY ? pl_port_add(br, &cfg)
							      : pl_port_change(br, &cfg)),
		name);
}

void rig_ports(unsigned n)
{
	rig_port(rig.br, OF_PORT_LOCAL, PL_VLAN_TRUNK, 0, NULL);
	for (unsigned i = 1; i <= n; i++)
		rig_port(rig.br, i, PL_VLAN_TRUNK, 0, NULL);
}

/* What became of megaflows that their maker holds. */
static void settle_young(void)
{
	for (unsigned i = 0; i < paths.young.n;) {
		struct hal_megaflow *mf = paths.young.mf[i];

		if (hal_megaflow_usable(mf) && !atomic_load(&mf->installed)) {
			i++;
			continue;
		}
		mf_set_take(&paths.young, mf);
		hal_megaflow_unref(mf);
	}
}

void rig_settle(void)
{
	for (unsigned i = 0; i < 6; i++) {
		registry_take_births(rig.pl);
		notes_run(rig.pl);
		settle_young();
		rcu_drain();
	}
	EXPECT(!paths.young.n, "no megaflow stays between");
}

void rig_sweep(unsigned ahead_ms)
{
	rig_settle();
	rig.ahead_ms += ahead_ms;
	event_active(rig.pl->sweep_event, EV_TIMEOUT, 1);
	event_base_loop(rig.base, EVLOOP_NONBLOCK | EVLOOP_ONCE);
	rig_settle();
}

enum of_error rig_mod(enum of_flow_mod_command command, uint8_t version, const char *text)
{
	struct of_flow_mod fm;
	enum of_error error;
	char err[256];

	if (of_flow_mod_parse(text, command, NULL, &fm, err, sizeof(err))) {
		EXPECT(false, err);
		return OFERR_MAX;
	}
	fm.version = version;
	error = pl_flow_mod(rig.br, &fm);
	of_instructions_free(&fm.ins);
	return error;
}

enum of_error rig_flow_on(struct pl_bridge *br, const char *text)
{
	struct pl_bridge *was = rig.br;
	enum of_error error;

	rig.br = br;
	error = rig_mod(OF_FLOW_ADD, 4, text);
	rig.br = was;
	return error;
}

struct hal_key rig_key(const char *text)
{
	struct hal_match m = {0};
	char err[256];

	if (of_match_parse(text, NULL, &m, err, sizeof(err)))
		EXPECT(false, err);
	m.value.dp.in_port =
		rte_cpu_to_be_32(rig_dp_port(rig.br, rte_be_to_cpu_32(m.value.in_port_of)));
	for (unsigned i = 0; i < 2; i++)
		if (m.value.dp.vlan[i].tci && !m.value.dp.vlan[i].tpid)
			m.value.dp.vlan[i].tpid = RTE_BE16(0x8100);
	return m.value.dp;
}

struct pl_megaflow *rig_translate(const struct hal_key *key)
{
	uint64_t version = atomic_load(&rig.pl->version);
	struct pl_megaflow *m;
	struct xlate x;

	xlate_packet(&x, rig.pl, key);
	if (x.error) {
		xlate_clear(&x);
		return NULL;
	}
	bound_mask(rig.pl, HAL_MAX_WORKERS, x.orig, &x.wc);
	m = megaflow_new(rig.pl, &x);
	if (m)
		m->version = version;
	return m;
}

/* Recirculation ids are new each time: they are all shown as "#". */
static void hide_ids(char *text)
{
	static const char name[] = "recirc(";
	char *id = text;

	while ((id = strstr(id, name))) {
		char *end = strchr(id += strlen(name), ')');

		*id++ = '#';
		memmove(id, end, strlen(end) + 1);
	}
}

static const char *describe(const char *packet, bool match)
{
	static char text[4096];
	struct hal_key key = rig_key(packet);
	struct pl_megaflow *m = rig_translate(&key);

	if (!m)
		return "error";
	if (match)
		hal_cmatch_format(m->mf.match, text, sizeof(text));
	else
		hal_program_format(m->mf.program, NULL, NULL, text, sizeof(text));
	hide_ids(text);
	megaflow_free(&m->mf);
	return text;
}

const char *rig_program(const char *packet)
{
	return describe(packet, false);
}

const char *rig_match(const char *packet)
{
	return describe(packet, true);
}

/* ---- packets ---- */

static bool covers(const struct hal_megaflow *mf, const struct hal_key *key)
{
	return mf->chain == rte_be_to_cpu_32(key->recirc_id) && hal_cmatch_covers(mf->match, key);
}

static struct hal_megaflow *find(const struct mf_set *s, const struct hal_key *key)
{
	for (unsigned i = 0; i < s->n; i++)
		if (hal_megaflow_usable(s->mf[i]) && covers(s->mf[i], key))
			return s->mf[i];
	return NULL;
}

struct hal_megaflow *rig_send(const struct hal_key *key, unsigned packets)
{
	struct hal_megaflow *mf = find(&paths.installed, key);
	bool cache;

	if (!mf)
		mf = find(&paths.young, key);
	if (!mf) {
		mf = pipeline_translate(rig.pl, 0, key, NULL, &cache);
		if (!mf)
			return NULL;
		EXPECT(hal_cmatch_covers(mf->match, key), "covers its packet");
		if (cache)
			mf_set_add(&paths.young, mf);
	}
	atomic_fetch_add(&hal_megaflow_sw(mf, 0)->packets, packets);
	atomic_fetch_add(&hal_megaflow_sw(mf, 0)->bytes, packets * 100u);
	atomic_store(&hal_megaflow_sw(mf, 0)->used_ms, clock_ms());
	return mf;
}

struct hal_megaflow *rig_send_text(const char *packet, unsigned packets)
{
	struct hal_key key = rig_key(packet);

	return rig_send(&key, packets);
}

struct sought {
	uint64_t cookie, packets, age_ms;
	unsigned n;
};

static void see_flow(void *ctx, const struct of_flow_stats *fs)
{
	struct sought *s = ctx;

	s->n++;
	if (fs->cookie != s->cookie)
		return;
	s->packets = fs->packets;
	s->age_ms = fs->duration_ns / 1000000;
	EXPECT(fs->bytes == fs->packets * 100, "bytes go with packets");
}

static struct sought list(const char *filter, uint64_t cookie)
{
	struct sought s = {.cookie = cookie, .packets = UINT64_MAX};
	struct of_flow_filter f;
	char err[256];

	if (of_flow_filter_parse(filter, NULL, &f, err, sizeof(err)))
		EXPECT(false, err);
	pl_flow_list(rig.br, &f, see_flow, &s);
	return s;
}

uint64_t rig_packets(uint64_t cookie)
{
	rig_settle();
	credit_all(rig.pl);
	return list("", cookie).packets;
}

unsigned rig_flows(const char *filter)
{
	return list(filter, 0).n;
}

uint64_t rig_age_ms(uint64_t cookie)
{
	return list("", cookie).age_ms;
}

void rig_learn(struct pl_bridge *br, uint16_t vlan, const char *mac, uint32_t port)
{
	unsigned b[6];
	uint8_t m[6];

	if (sscanf(mac, "%x:%x:%x:%x:%x:%x", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5]) != 6)
		abort();
	for (unsigned i = 0; i < 6; i++)
		m[i] = (uint8_t)b[i];
	pipeline_change_begin(rig.pl);
	bridge_mac_learn(br, vlan, m, port);
	pipeline_change_end(rig.pl);
}

/* ---- checks ---- */

struct pl_megaflow *rig_live(const struct hal_key *key)
{
	struct pl_megaflow *m;

	TAILQ_FOREACH (m, &rig.pl->all, link)
		if (m->indexed && covers(&m->mf, key))
			return m;
	return NULL;
}

static void check_one(const struct pl_megaflow *m, const char *when)
{
	struct pl_megaflow *fresh;
	struct hal_key key;

	EXPECT(atomic_load(&m->mf.state) == MEGAFLOW_LIVE, when);
	EXPECT(mf_set_has(&paths.installed, &m->mf), when);
	EXPECT(mf_set_has(&paths.offloaded, &m->mf), when);
	megaflow_sample(m, &key);
	EXPECT(hal_cmatch_covers(m->mf.match, &key), when);
	fresh = rig_translate(&key);
	EXPECT(fresh != NULL, when);
	if (!fresh)
		return;
	if (!hal_program_equal(fresh->mf.program, m->mf.program)) {
		char was[1024], is[1024], match[1024];

		hal_program_format(m->mf.program, NULL, NULL, was, sizeof(was));
		hal_program_format(fresh->mf.program, NULL, NULL, is, sizeof(is));
		hal_cmatch_format(m->mf.match, match, sizeof(match));
		printf("\n%s: %s does %s, should %s", when, match, was, is);
		EXPECT(false, "a live megaflow does what a new one would");
	}
	EXPECT(megaflow_same_credits(fresh, m), when);
	megaflow_free(&fresh->mf);
}

unsigned rig_check_live(const char *when)
{
	struct pl_megaflow *m;
	unsigned n = 0;

	TAILQ_FOREACH (m, &rig.pl->all, link) {
		if (!m->indexed)
			continue;
		check_one(m, when);
		n++;
	}
	EXPECT(n == hmap_count(&rig.pl->megaflows), when);
	EXPECT(n == paths.installed.n, when);
	EXPECT(n == paths.offloaded.n, when);
	return n;
}

void expect_text(const char *got, const char *want, const char *file, int line)
{
	bool same = !strcmp(got, want);

	if (!same)
		printf("\n%s:%d: got \"%s\", want \"%s\"", file, line, got, want);
	CU_assertImplementation(same, (unsigned)line, "text as expected", file, "", CU_FALSE);
}

void expect(bool ok, const char *what, const char *item, const char *file, int line)
{
	if (!ok)
		printf("\n%s:%d: %s: %s", file, line, item, what);
	/* Random tests check millions of times; only failures are worth a record. */
	if (!ok)
		CU_assertImplementation(CU_FALSE, (unsigned)line, what, file, "", CU_FALSE);
}
