/* SPDX-License-Identifier: Apache-2.0
 *
 * What the codecs of Nicira's actions share, one file for each family of them.
 *
 * Thread-safety: the functions touch only their arguments, and read the TLV table (control thread).
 */
#ifndef SLUICE_OFCTL_OPENFLOW_ACTIONS_NX_H
#define SLUICE_OFCTL_OPENFLOW_ACTIONS_NX_H

#include "ofctl/openflow/actions.h"
#include "ofctl/openflow/codec.h"
#include "ofctl/openflow/wire.h"

/* Decoders take a body after the subtype and append to `acts`. */
typedef enum of_error of_nx_decode_fn(
	struct of_rd *r, uint16_t subtype, const struct of_decode *ctx, struct of_actions *acts);

of_nx_decode_fn of_nx_ct_decode;               /* CT, CT_CLEAR */
of_nx_decode_fn of_nx_clone_decode;            /* CLONE */
of_nx_decode_fn of_nx_sample_decode;           /* SAMPLE, SAMPLE2, SAMPLE3 */
of_nx_decode_fn of_nx_controller_decode;       /* CONTROLLER, CONTROLLER2 */
of_nx_decode_fn of_nx_learn_decode;            /* LEARN, LEARN2 */
of_nx_decode_fn of_nx_multipath_decode;        /* MULTIPATH */
of_nx_decode_fn of_nx_bundle_decode;           /* BUNDLE, BUNDLE_LOAD */
of_nx_decode_fn of_nx_output_reg_decode;       /* OUTPUT_REG, OUTPUT_REG2 */
of_nx_decode_fn of_nx_output_trunc_decode;     /* OUTPUT_TRUNC */
of_nx_decode_fn of_nx_stack_decode;            /* STACK_PUSH, STACK_POP */
of_nx_decode_fn of_nx_conjunction_decode;      /* CONJUNCTION */
of_nx_decode_fn of_nx_check_pkt_larger_decode; /* CHECK_PKT_LARGER */
of_nx_decode_fn of_nx_fin_timeout_decode;      /* FIN_TIMEOUT */
of_nx_decode_fn of_nx_note_decode;             /* NOTE */
of_nx_decode_fn of_nx_delete_field_decode;     /* DELETE_FIELD */
of_nx_decode_fn of_nx_dec_ttl_decode;          /* DEC_TTL, DEC_TTL_CNT_IDS */
of_nx_decode_fn of_nx_move_decode;             /* REG_MOVE */
of_nx_decode_fn of_nx_load_decode;             /* REG_LOAD */
of_nx_decode_fn of_nx_load2_decode;            /* REG_LOAD2 */

void of_nx_ct_encode(struct of_buf *b, uint8_t version, const struct of_action *a);
void of_nx_clone_encode(struct of_buf *b, uint8_t version, const struct of_action *a);
void of_nx_sample_encode(struct of_buf *b, const struct of_action *a);
void of_nx_controller_encode(struct of_buf *b, const struct of_action *a);
void of_nx_learn_encode(struct of_buf *b, const struct of_action *a);
void of_nx_multipath_encode(struct of_buf *b, const struct of_action *a);
void of_nx_bundle_encode(struct of_buf *b, const struct of_action *a);
void of_nx_output_reg_encode(struct of_buf *b, const struct of_action *a);
void of_nx_output_trunc_encode(struct of_buf *b, const struct of_action *a);
void of_nx_stack_encode(struct of_buf *b, const struct of_action *a);
void of_nx_conjunction_encode(struct of_buf *b, const struct of_action *a);
void of_nx_check_pkt_larger_encode(struct of_buf *b, const struct of_action *a);
void of_nx_fin_timeout_encode(struct of_buf *b, const struct of_action *a);
void of_nx_note_encode(struct of_buf *b, const struct of_action *a);
void of_nx_delete_field_encode(struct of_buf *b, const struct of_action *a);
void of_nx_dec_ttl_encode(struct of_buf *b, const struct of_action *a);
void of_nx_move_encode(struct of_buf *b, const struct of_action *a);
/* The same as an action of 1.5 (its body; a whole action). */
enum of_error of_copy_field_decode(struct of_rd *r, struct of_actions *acts);
void of_copy_field_encode(struct of_buf *b, const struct of_action *a);
void of_nx_set_encode(struct of_buf *b, const struct of_action *a);

/* Appends, or frees what `a` owns. */
enum of_error of_nx_push(struct of_actions *acts, struct of_action *a);
enum of_error of_nx_error(int err); /* of 0, -ENOMEM, -EINVAL */

/* ---- fields named in actions (subfield.c) ---- */

/* A header without value: the whole of a field. FIELD_INVALID if it is none. Bytes that ran out
 * show in r->bad. */
struct of_subfield of_nx_get_field(struct of_rd *r);

/* Makes of a whole field its `n_bits` bits from `ofs` on; `write`: they have to be writable. */
enum of_error of_nx_part(struct of_subfield *sf, unsigned ofs, unsigned n_bits, bool write);
/* The same for NXM's 16 bits: offset << 6 | bits - 1. */
enum of_error of_nx_part16(struct of_subfield *sf, uint16_t ofs_bits, bool write);

/* The header, and where in the field that it names the bits start. */
void of_nx_put_field(struct of_buf *b, const struct of_subfield *sf);
void of_put_field(struct of_buf *b, enum of_oxm_form form, const struct of_subfield *sf);
unsigned of_nx_ofs(const struct of_subfield *sf);
uint16_t of_nx_ofs_bits(const struct of_subfield *sf);

static inline struct of_subfield of_nx_sub(const struct of_action *a)
{
	return (struct of_subfield){a->field, a->src_ofs, a->n_bits};
}

static inline void of_nx_set_sub(struct of_action *a, const struct of_subfield *sf)
{
	a->field = sf->field;
	a->src_ofs = sf->ofs;
	a->n_bits = sf->n_bits;
}

#endif
