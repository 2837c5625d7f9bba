/* SPDX-License-Identifier: Apache-2.0
 *
 * Judging actions: what the two files of it share.
 *
 * Thread-safety: control thread.
 */
#ifndef SLUICE_OFCTL_PIPELINE_CHECK_ACTIONS_H
#define SLUICE_OFCTL_PIPELINE_CHECK_ACTIONS_H

#include <string.h>

#include "ofctl/pipeline/check.h"

/* Where actions stand. */
struct check {
	bool lenient;    /* OpenFlow 1.0 lets a flow set fields that its packets may lack; there it
			    does nothing */
	bool any_packet; /* of a bucket: which packets come there is not known; what they lack is
			    not touched */
	bool in_ct;      /* inside CT */
	bool in_set;     /* of an action set */
};

/* Actions in order; `m` is what is known of the packet's headers, as they change it. */
enum of_error check_actions(
	const struct of_actions *acts, struct hal_match *m, const struct check *c);

/* Bits of a field that packets of `m` have; that may be written, too. */
enum of_error check_source(const struct of_subfield *sf, const struct hal_match *m);
enum of_error check_target(const struct of_subfield *sf, const struct hal_match *m);

bool is_out_port(uint32_t port);

/* check_nx.c: may `a` stand in a CT, or outside of one? */
enum of_error check_place(const struct of_action *a, bool in_ct);
/* Nicira's actions. */
enum of_error check_nx(const struct of_action *a, struct hal_match *m, const struct check *c);
enum of_error check_ct(const struct of_action *a, struct hal_match *m, const struct check *c);
enum of_error check_learn(const struct of_learn *l, const struct hal_match *m);

#endif
