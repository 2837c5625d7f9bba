/* SPDX-License-Identifier: Apache-2.0
 *
 * A pipeline that keeps flows in a list and forwards nothing: what the agent is tested against.
 *
 * What: implements those functions of ofctl/pipeline/pipeline.h that the agent calls, over plain
 * lists, and records what it was asked.
 * Thread-safety: one thread.
 */
#ifndef SLUICE_TESTS_UNIT_OPENFLOW_FAKE_PIPELINE_H
#define SLUICE_TESTS_UNIT_OPENFLOW_FAKE_PIPELINE_H

#include "ofctl/pipeline/pipeline.h"

struct fake {
	unsigned flow_mods, packet_outs, barriers, refreshes, flushes, port_mods;
	unsigned resumes;
	unsigned monitors;               /* connections that monitor flows */
	uint64_t added_seq, changed_seq; /* of every flow */
	size_t last_resume_len, last_continuation_len;
	bool standalone;
	struct of_packet_out last_out; /* without data and actions */
	size_t last_out_actions, last_out_len;
	bool no_memory; /* for bundles */
	bool hold;      /* barriers and refreshes wait for fake_release() */
};
extern struct fake fake;

/* What the pipeline tells by itself: plain numbers, or, with a seed, numbers that a peer with the
 * same seed finds again: fake_number() of what (enum fake_what) and of which flow, port, ... */
extern uint64_t fake_seed;
enum fake_what {
	FAKE_PACKETS = 1,
	FAKE_BYTES,
	FAKE_DURATION,
	FAKE_COUNT, /* references, active flows */
	FAKE_OTHER, /* more counters: of 16 times the number, and on */
	FAKE_DPID,
	FAKE_PORT,  /* a description's parts: of 16 times the number, and on */
	FAKE_EVENT, /* an event's parts: of 16 times its number, and on */
	FAKE_DATA,  /* its bytes: of 1024 times its number, and on */
};
uint64_t fake_number(enum fake_what what, uint64_t of, uint64_t plain);
void fake_describe(uint32_t number, struct of_port_desc *d);

/* Called with what the pipeline was asked, if set. */
struct fake_hooks {
	void (*packet_out)(const struct of_packet_out *po);
	void (*port_mod)(const struct of_port_mod *pm);
	void (*resume)(const struct of_resume *r);
	void (*deleted)(const struct of_flow_stats *fs);
};
extern struct fake_hooks fake_hooks;

/* The one bridge, with ports 1 ("p1"), 2 ("p2") and LOCAL ("br0"), dpid 0x1234. */
struct pl_bridge *fake_bridge(void);
void fake_reset(void);
void fake_release(void);
unsigned fake_n_flows(void);
void fake_groups_reset(void); /* fake_group.c */

#endif
