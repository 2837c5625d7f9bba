/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/openflow/fake_pipeline.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_FLOWS 4096
#define MAX_WAITS 64

struct pl_bridge {
	int unused;
};

struct flow {
	struct of_flow_mod fm;
	struct hal_cmatch *cm;
};

struct fake fake;
struct fake_hooks fake_hooks;
uint64_t fake_seed;
static struct pl_bridge bridge;
static struct flow flows[MAX_FLOWS];
static unsigned n_flows;
static struct {
	void (*done)(void *arg);
	void *arg;
} waits[MAX_WAITS];
static unsigned n_waits;

static const uint32_t ports[] = {1, 2, OF_PORT_LOCAL};

/* splitmix64, Steele, Lea and Flood 2014 */
uint64_t fake_number(enum fake_what what, uint64_t of, uint64_t plain)
{
	uint64_t z = fake_seed + (uint64_t)what * UINT64_C(0x9e3779b97f4a7c15) +
		     of * UINT64_C(0xd1342543de82ef95);

	if (!fake_seed)
		return plain;
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* In whole milliseconds, with seconds of 32 bits. */
static uint64_t duration(uint64_t of, uint64_t plain)
{
	return fake_seed ? (uint64_t)(uint32_t)fake_number(FAKE_DURATION, of, 0) * 1000000 : plain;
}

struct pl_bridge *fake_bridge(void)
{
	return &bridge;
}

unsigned fake_n_flows(void)
{
	return n_flows;
}

static void drop_flow(unsigned i)
{
	of_instructions_free(&flows[i].fm.ins);
	free(flows[i].cm);
	memmove(&flows[i], &flows[i + 1], (--n_flows - i) * sizeof(flows[0]));
}

void fake_release(void)
{
	unsigned n = n_waits;

	n_waits = 0;
	for (unsigned i = 0; i < n; i++)
		waits[i].done(waits[i].arg);
}

void fake_reset(void)
{
	while (n_flows)
		drop_flow(n_flows - 1);
	fake_groups_reset();
	fake.hold = false;
	fake_release();
	memset(&fake, 0, sizeof(fake));
}

static void wait_for(void (*done)(void *arg), void *arg)
{
	if (fake.hold && n_waits < MAX_WAITS) {
		waits[n_waits].done = done;
		waits[n_waits++].arg = arg;
	} else {
		done(arg);
	}
}

void pipeline_barrier(struct pipeline *pl, void (*done)(void *arg), void *arg)
{
	(void)pl;
	fake.barriers++;
	wait_for(done, arg);
}

void pipeline_refresh(struct pipeline *pl, void (*done)(void *arg), void *arg)
{
	(void)pl;
	fake.refreshes++;
	wait_for(done, arg);
}

const char *pl_bridge_name(const struct pl_bridge *br)
{
	(void)br;
	return "br0";
}

uint64_t pl_bridge_dpid(const struct pl_bridge *br)
{
	(void)br;
	return fake_number(FAKE_DPID, 0, 0x1234);
}

void pl_bridge_set_drop_fragments(struct pl_bridge *br, bool on)
{
	(void)br;
	(void)on;
}

void pl_bridge_set_standalone(struct pl_bridge *br, bool on)
{
	(void)br;
	fake.standalone = on;
}

void fake_describe(uint32_t number, struct of_port_desc *d)
{
	uint64_t of = (uint64_t)number * 16;

	*d = (struct of_port_desc){
		.number = number,
		.mac = {2, 0, 0, (uint8_t)fake_number(FAKE_PORT, of, 0),
			(uint8_t)fake_number(FAKE_PORT, of + 1, 0), (uint8_t)number},
		.config = (uint32_t)fake_number(FAKE_PORT, of + 2, 0),
		.state = (uint32_t)fake_number(FAKE_PORT, of + 3, OF_PORT_STATE_LIVE),
		.curr = (uint32_t)fake_number(FAKE_PORT, of + 4, 0x2840),
		.advertised = (uint32_t)fake_number(FAKE_PORT, of + 5, 0),
		.supported = (uint32_t)fake_number(FAKE_PORT, of + 6, 0),
		.peer = (uint32_t)fake_number(FAKE_PORT, of + 7, 0),
		.curr_kbps = (uint32_t)fake_number(FAKE_PORT, of + 8, 10000000),
		.max_kbps = (uint32_t)fake_number(FAKE_PORT, of + 9, 10000000),
	};
	if (number == OF_PORT_LOCAL)
		snprintf(d->name, sizeof(d->name), "br0");
	else
		snprintf(d->name, sizeof(d->name), "p%u", number);
}

void pl_port_list(
	struct pl_bridge *br, void (*cb)(void *ctx, const struct of_port_desc *p), void *ctx)
{
	struct of_port_desc d;

	(void)br;
	for (unsigned i = 0; i < sizeof(ports) / sizeof(ports[0]); i++) {
		fake_describe(ports[i], &d);
		cb(ctx, &d);
	}
}

bool pl_port_desc(struct pl_bridge *br, uint32_t number, struct of_port_desc *out)
{
	(void)br;
	for (unsigned i = 0; i < sizeof(ports) / sizeof(ports[0]); i++) {
		if (ports[i] != number)
			continue;
		fake_describe(number, out);
		return true;
	}
	return false;
}

bool pl_port_stats(struct pl_bridge *br, uint32_t number, struct of_port_stats *out)
{
	uint64_t of = (uint64_t)number * 16;

	(void)br;
	*out = (struct of_port_stats){
		.number = number,
		.rx_packets = fake_number(FAKE_OTHER, of, 1),
		.tx_packets = fake_number(FAKE_OTHER, of + 1, 2),
		.rx_bytes = fake_number(FAKE_OTHER, of + 2, 3),
		.tx_bytes = fake_number(FAKE_OTHER, of + 3, 4),
		.rx_dropped = fake_number(FAKE_OTHER, of + 4, 0),
		.tx_dropped = fake_number(FAKE_OTHER, of + 5, 0),
		.rx_errors = fake_number(FAKE_OTHER, of + 6, 0),
		.tx_errors = fake_number(FAKE_OTHER, of + 7, 0),
		.duration_ns = duration(number, 1500000000),
	};
	return true;
}

int pl_port_mod(struct pl_bridge *br, const struct of_port_mod *pm)
{
	struct of_port_desc d;

	fake.port_mods++;
	if (fake_hooks.port_mod)
		fake_hooks.port_mod(pm);
	if (!pl_port_desc(br, pm->number, &d))
		return OFERR_PORT_MOD_BAD_PORT;
	return memcmp(d.mac, pm->mac, 6) ? OFERR_PORT_MOD_BAD_HW_ADDR : OFERR_OK;
}

static bool selected(const struct flow *f, uint8_t table, const struct hal_cmatch *wide,
	uint64_t cookie, uint64_t cookie_mask)
{
	return (table == OF_TABLE_ALL || table == f->fm.table) &&
	       !((cookie ^ f->fm.cookie) & cookie_mask) && hal_cmatch_contains(wide, f->cm);
}

static bool same(const struct flow *f, const struct of_flow_mod *fm, const struct hal_cmatch *cm)
{
	return f->fm.table == fm->table && f->fm.priority == fm->priority &&
	       hal_cmatch_equal(f->cm, cm);
}

static enum of_error add(const struct of_flow_mod *fm, struct hal_cmatch *cm)
{
	for (unsigned i = 0; i < n_flows; i++) {
		if (same(&flows[i], fm, cm)) {
			drop_flow(i);
			break;
		}
	}
	if (n_flows == MAX_FLOWS) {
		free(cm);
		return OFERR_TABLE_FULL;
	}
	flows[n_flows].fm = *fm;
	flows[n_flows].cm = cm;
	if (of_instructions_copy(&flows[n_flows].fm.ins, &fm->ins)) {
		free(cm);
		return OFERR_FLOW_MOD_UNKNOWN;
	}
	n_flows++;
	return OFERR_OK;
}

static struct of_flow_stats flow_stats(const struct flow *f)
{
	const struct of_flow_mod *fm = &f->fm;

	return (struct of_flow_stats){
		.table = fm->table,
		.priority = fm->priority,
		.match = f->cm,
		.ins = &fm->ins,
		.cookie = fm->cookie,
		.packets = fake_number(FAKE_PACKETS, fm->cookie, 7),
		.bytes = fake_number(FAKE_BYTES, fm->cookie, 700),
		.duration_ns = duration(fm->cookie, 1234000000),
		.idle_age_ms = 1234,
		.hard_age_ms = 1234,
		.idle_timeout = fm->idle_timeout,
		.hard_timeout = fm->hard_timeout,
		.flags = fm->flags,
		.importance = fm->importance,
		.added_seq = fake.added_seq,
		.changed_seq = fake.changed_seq,
	};
}

enum of_error pl_flow_mod(struct pl_bridge *br, const struct of_flow_mod *fm)
{
	struct hal_cmatch *cm = hal_cmatch_new(&fm->match);

	(void)br;
	fake.flow_mods++;
	if (fm->command == OF_FLOW_ADD)
		return add(fm, cm);
	for (unsigned i = n_flows; i-- > 0;) {
		bool strict = fm->command == OF_FLOW_MODIFY_STRICT ||
			      fm->command == OF_FLOW_DELETE_STRICT;
		struct of_instructions ins;

		if (!(strict ? same(&flows[i], fm, cm)
			     : selected(&flows[i], fm->table, cm, fm->cookie, fm->cookie_mask)))
			continue;
		if (fm->command == OF_FLOW_DELETE || fm->command == OF_FLOW_DELETE_STRICT) {
			struct of_flow_stats fs = flow_stats(&flows[i]);

			if (fake_hooks.deleted)
				fake_hooks.deleted(&fs);
			drop_flow(i);
		} else if (!of_instructions_copy(&ins, &fm->ins)) {
			of_instructions_free(&flows[i].fm.ins);
			flows[i].fm.ins = ins;
		}
	}
	free(cm);
	return OFERR_OK;
}

void pl_flow_list(struct pl_bridge *br, const struct of_flow_filter *filter,
	void (*cb)(void *ctx, const struct of_flow_stats *fs), void *ctx)
{
	struct hal_cmatch *cm = hal_cmatch_new(&filter->match);

	(void)br;
	for (unsigned i = 0; i < n_flows; i++) {
		const struct flow *f = &flows[i];
		struct of_flow_stats fs = flow_stats(f);

		if (selected(f, filter->table, cm, filter->cookie, filter->cookie_mask))
			cb(ctx, &fs);
	}
	free(cm);
}

void pl_bridge_monitor(struct pl_bridge *br, bool on)
{
	(void)br;
	fake.monitors += on ? 1u : -1u;
}

void pl_table_stats(struct pl_bridge *br, uint8_t table, struct of_table_stats *out)
{
	(void)br;
	*out = (struct of_table_stats){.table = table,
		.max_entries = 1000000,
		.lookups = fake_number(FAKE_PACKETS, table, 0),
		.matched = fake_number(FAKE_BYTES, table, 0)};
	for (unsigned i = 0; i < n_flows; i++)
		out->active += flows[i].fm.table == table;
}

int pl_bundle_begin(struct pl_bridge *br)
{
	(void)br;
	return fake.no_memory ? -ENOMEM : 0;
}

void pl_bundle_end(struct pl_bridge *br, bool keep)
{
	(void)br;
	(void)keep;
}

enum of_error pl_packet_out_check(struct pl_bridge *br, const struct of_packet_out *po)
{
	(void)br;
	(void)po;
	return OFERR_OK;
}

enum of_error pl_packet_out(struct pl_bridge *br, const struct of_packet_out *po)
{
	(void)br;
	fake.packet_outs++;
	fake.last_out = *po;
	fake.last_out.data = NULL;
	fake.last_out.actions = (struct of_actions){0};
	fake.last_out_len = po->len;
	fake.last_out_actions = po->actions.n;
	if (fake_hooks.packet_out)
		fake_hooks.packet_out(po);
	return OFERR_OK;
}

void pl_flow_flush(struct pl_bridge *br)
{
	(void)br;
	fake.flushes++;
	while (n_flows)
		drop_flow(n_flows - 1);
}

enum of_error pl_resume(struct pl_bridge *br, const struct of_resume *r)
{
	(void)br;
	fake.resumes++;
	if (fake_hooks.resume)
		fake_hooks.resume(r);
	fake.last_resume_len = r->len;
	fake.last_continuation_len = r->continuation_len;
	return OFERR_OK;
}
