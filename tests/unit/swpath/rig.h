/* SPDX-License-Identifier: Apache-2.0
 *
 * A whole software path with fake ports, and a control plane that answers as the test says.
 */
#ifndef SLUICE_TESTS_SWPATH_RIG_H
#define SLUICE_TESTS_SWPATH_RIG_H

#include "fake_port.h"
#include "hal/action.h"
#include "test_swpath.h"

#define RIG_PORTS 4

struct rig {
	struct swpath *sp;
	/* What a miss becomes; called by workers, one at a time. NULL result: failure. */
	struct hal_megaflow *(*translate)(struct rig *r, const struct hal_key *key, bool *cache);
	_Atomic unsigned translated, controller;
	_Atomic uint32_t controller_len, controller_mark;
	/* Megaflows that translate made and the rig holds a reference to. */
	struct hal_megaflow *made[4096];
	_Atomic unsigned n_made;
	uint32_t out_port; /* for translate functions */
	bool foreign;      /* what translate returns was made by another worker */
};

/* Opens with `workers` workers and ports 1 to RIG_PORTS, all of one class. */
void rig_open(struct rig *r, unsigned workers, const struct swpath_port_class *class);

/* Closes, gives back what the rig holds; asserts that no megaflow and no mbuf is left. */
void rig_close(struct rig *r);

void rig_sync(struct rig *r);

/* A translate function: everything of the key's in_port, eth_dst and recirc_id to out_port. */
struct hal_megaflow *rig_to_out_port(struct rig *r, const struct hal_key *key, bool *cache);

/* Keeps a reference for the rig and takes the one for the young table. */
struct hal_megaflow *rig_made(struct rig *r, struct hal_megaflow *mf, bool *cache);

/* A program of one output. */
struct hal_program *rig_output(uint32_t port);

/* Packets on their way to `port` by way of a receive on `from`. */
void rig_receive(struct rig *r, uint32_t from, const struct frame *f);

uint64_t rig_drops(struct rig *r, enum swpath_drop why);

#endif
