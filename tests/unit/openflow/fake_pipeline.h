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
	size_t last_resume_len, last_continuation_len;
	bool standalone;
	struct of_packet_out last_out; /* without data and actions */
	size_t last_out_actions, last_out_len;
	bool hold; /* barriers and refreshes wait for fake_release() */
};
extern struct fake fake;

/* The one bridge, with ports 1 ("p1"), 2 ("p2") and LOCAL ("br0"), dpid 0x1234. */
struct pl_bridge *fake_bridge(void);
void fake_reset(void);
void fake_release(void);
unsigned fake_n_flows(void);
void fake_groups_reset(void); /* fake_group.c */

#endif
