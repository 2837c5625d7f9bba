/* SPDX-License-Identifier: Apache-2.0
 *
 * OXS: counters and times as fields of their own (OpenFlow 1.5, 7.2.4).
 *
 * Each function appends a whole struct ofp_stats with its padding. Counters that are not known are
 * left out.
 * Thread-safety: the functions touch only their arguments.
 */
#ifndef SLUICE_OFCTL_OPENFLOW_OXS_H
#define SLUICE_OFCTL_OPENFLOW_OXS_H

#include "ofctl/openflow/codec.h"

/* Duration, counters and, if `idle`, how long no packet came. */
void of_oxs_put_flow(struct of_buf *b, const struct of_flow_stats *fs, bool idle);
void of_oxs_put_aggregate(struct of_buf *b, const struct of_aggregate *agg);

#endif
