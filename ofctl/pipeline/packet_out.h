/* SPDX-License-Identifier: Apache-2.0
 *
 * Carrying out the translation of a packet that the control plane has.
 *
 * Thread-safety: control thread.
 */
#ifndef SLUICE_OFCTL_PIPELINE_PACKET_OUT_H
#define SLUICE_OFCTL_PIPELINE_PACKET_OUT_H

#include "ofctl/pipeline/xlate.h"

/* Gives credit, does what was to be learned, and sends the packet. The caller clears `x`. */
void packet_out_run(struct pl_bridge *br, struct xlate *x, const struct hal_key *key,
	const void *data, size_t len);

#endif
