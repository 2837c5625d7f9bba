/* SPDX-License-Identifier: Apache-2.0
 *
 * Meters of a bridge (OpenFlow 1.3, 5.7).
 *
 * What: each has a datapath id, of which the software path and devices know it.
 * Thread-safety: the control thread writes; workers read under RCU. A meter never changes: a new
 * one is put in its place, with the same datapath id.
 */
#ifndef SLUICE_OFCTL_PIPELINE_METER_H
#define SLUICE_OFCTL_PIPELINE_METER_H

#include <stdbool.h>
#include <stdint.h>

#include "hal/base/hmap.h"
#include "ofctl/openflow/message.h"

struct pl_bridge;

struct pl_meter {
	struct hmap_node node; /* in br->meters, by id */
	uint32_t id, dp_id;
	uint16_t flags;
	struct hal_meter cfg;
	uint64_t created_ms; /* monotonic */
	uint32_t flows;      /* control thread's scratch: that send to it */
};

/* Under RCU; NULL if there is none. */
struct pl_meter *bridge_meter(const struct pl_bridge *br, uint32_t id);

/* True if a band of it changes packets. */
bool meter_remarks(const struct pl_meter *m);

/* Control thread: a bridge that goes. */
void bridge_meters_clear(struct pl_bridge *br);

#endif
