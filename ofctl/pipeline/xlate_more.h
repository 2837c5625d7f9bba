/* SPDX-License-Identifier: Apache-2.0
 *
 * Translation, action by action: what has a file of its own.
 *
 * Thread-safety: as xlate.h.
 */
#ifndef SLUICE_OFCTL_PIPELINE_XLATE_MORE_H
#define SLUICE_OFCTL_PIPELINE_XLATE_MORE_H

#include "ofctl/pipeline/xlate.h"

/* xlate_group.c */
void xlate_group(struct xlate *x, uint32_t group);

/* xlate_meter.c */
void xlate_meter(struct xlate *x, uint32_t meter);

/* xlate_ct.c */
void xlate_ct(struct xlate *x, const struct of_action *a);
void xlate_ct_clear(struct xlate *x);

/* xlate_nested.c: what runs on a copy, or by length */
void xlate_clone(struct xlate *x, const struct of_actions *acts);
void xlate_check_pkt_larger(struct xlate *x, const struct of_action *a);
void xlate_output_trunc(struct xlate *x, const struct of_action *a);

/* xlate_controller.c */
void xlate_controller(struct xlate *x, const struct of_action *a);

/* xlate_set.c: `value` and `mask` in wire form; NULL mask: all of the field */
void xlate_set_field(
	struct xlate *x, enum hal_field_id id, const uint8_t *value, const uint8_t *mask);
void xlate_set_field_action(struct xlate *x, const struct of_action *a);
void xlate_delete_field(struct xlate *x, const struct of_action *a); /* of tunnel metadata */
void xlate_move(struct xlate *x, const struct of_action *a);
void xlate_push_vlan_action(struct xlate *x, uint16_t tpid);
void xlate_pop_vlan_action(struct xlate *x);
void xlate_set_vlan_10(struct xlate *x, const struct of_action *a);

/* xlate_resubmit.c */
void xlate_resubmit(struct xlate *x, const struct of_action *a);
/* A lookup of the packet as the first one of its connection was. */
struct flow *xlate_lookup_first_tuple(struct xlate *x, uint8_t table);
/* Where byte `i` of the key is while tuples are swapped. */
size_t xlate_swapped_offset(size_t i);

/* xlate_register.c: output to a field, stack */
void xlate_output_reg(struct xlate *x, const struct of_action *a);
void xlate_stack(struct xlate *x, const struct of_action *a);

/* xlate_learn.c */
void xlate_learn(struct xlate *x, const struct of_action *a);
void xlate_fin_timeout(struct xlate *x, const struct of_action *a);

/* xlate_choice.c */
void xlate_multipath(struct xlate *x, const struct of_choice *c);
void xlate_bundle(struct xlate *x, const struct of_choice *c);

/* xlate_tunnel.c: output to a tunnel port, and what the underlay hands to the host */
void xlate_tunnel_out(struct xlate *x, const struct pl_port *port);
bool xlate_tunnel_in(struct xlate *x, const struct pl_port *local); /* true: it was a tunnel's */
/* The tunnel port that a packet came through, which an end received; NULL: it is nobody's. */
const struct pl_port *xlate_tunnel_port(struct xlate *x, uint32_t end);
/* After a write to FIELD_TUN_METADATA (wire form): the options written are now present. */
void xlate_tun_metadata_written(struct xlate *x, const uint8_t *mask);

#endif
