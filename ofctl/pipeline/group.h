/* SPDX-License-Identifier: Apache-2.0
 *
 * Groups of a bridge (OpenFlow 1.3, 5.6).
 *
 * Thread-safety: the control thread writes; workers read under RCU. A group's type and buckets
 * never change: modifying it puts a new one in its place, which shares the counters (struct
 * group_counter). Which one a translation sees is told by versions, as of flows (flow.h).
 */
#ifndef SLUICE_OFCTL_PIPELINE_GROUP_H
#define SLUICE_OFCTL_PIPELINE_GROUP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "hal/base/hmap.h"
#include "ofctl/openflow/message.h"

struct pl_bridge;

#define PL_GROUP_BUCKETS_MAX 2048u /* buckets of a group */
#define PL_GROUP_CHAIN_MAX 8u      /* groups one behind another */

struct bucket_counter {
	uint32_t id; /* of the bucket */
	uint64_t packets, bytes;
};

/* Counters of a group; control thread only. They outlive a modify: a bucket that is there again
 * goes on counting. */
struct group_counter {
	uint32_t refs;
	uint64_t packets, bytes;
	uint64_t created_ms; /* monotonic */
	unsigned n;
	struct bucket_counter *bucket;
};

struct pl_group {
	struct hmap_node node; /* in br->groups, by id */
	struct of_group g;
	struct of_actions *run; /* of each bucket: its actions as they are executed; those of g */
	uint32_t *slot;         /* of each bucket in counter->bucket */
	unsigned hash_bits;     /* SELECT: of dp_hash that choose a bucket */
	struct group_counter *counter;
	_Atomic uint64_t since, until;
	_Atomic(struct pl_group *) older; /* with the same id; NULL: none */
	struct pl_group *newer;           /* control: whose `older` this is */
	TAILQ_ENTRY(pl_group) ended;      /* control: in pipeline->ended_groups */
	struct pl_bridge *br;             /* control: once it has ended */
	_Atomic uint32_t refs; /* the bridge's, and one for each megaflow that credits it */
	/* control thread's scratch */
	uint32_t users;    /* flows and groups that send to it */
	uint32_t mark;     /* of the last search that came by */
	unsigned distance; /* found then: groups behind it, itself included */
};

TAILQ_HEAD(group_list, pl_group);

/* Under RCU; NULL if there is none: as translations of a version see it, and as it is now. */
struct pl_group *bridge_group_at(const struct pl_bridge *br, uint32_t id, uint64_t version);
struct pl_group *bridge_group(const struct pl_bridge *br, uint32_t id);

/* Takes a reference; false if the group is already going. Any thread under RCU. */
bool group_ref(struct pl_group *g);
void group_unref(struct pl_group *g); /* any thread */

/* What actions may name: groups and meters that exist (OpenFlow 1.3, A.4.4). */
enum of_error group_check_actions(const struct pl_bridge *br, const struct of_actions *acts);

/* Control thread: a bridge that goes. */
void bridge_groups_clear(struct pl_bridge *br);

/* Credits of a megaflow; bucket UINT32_MAX: the group as a whole. */
void group_credit(struct pl_group *g, uint32_t slot, uint64_t packets, uint64_t bytes);

#endif
