/* SPDX-License-Identifier: Apache-2.0
 *
 * What the halves of the OXM codec and the action codecs share.
 *
 * Thread-safety: the functions touch only their arguments, and read the TLV table (control thread).
 */
#ifndef SLUICE_OFCTL_OPENFLOW_OXM_H
#define SLUICE_OFCTL_OPENFLOW_OXM_H

#include "hal/field.h"
#include "ofctl/openflow/codec.h"

/* The largest field that has a code, bytes; and the largest option of a tunnel. */
#define OF_OXM_VALUE_MAX 16
#define OF_OXM_OPTION_MAX 124

/* NXM class 1: tun_metadata0 and what follows it. */
#define OF_OXM_OPTION_FIRST 40
#define OF_OXM_OPTIONS 64

/* Bytes of a field's value on the wire. */
unsigned of_oxm_width(enum hal_field_id field, bool nxm);

/* All bits of the field that a header names. */
struct of_subfield of_oxm_whole(const struct of_oxm *h);

/* A field's bits as actions count them: its own, but for those that a name gives fewer. */
unsigned of_field_bits(enum hal_field_id field, bool nxm);

/* Right-aligns `len` bytes in `width`. False if bits would be lost. */
bool of_oxm_widen(const uint8_t *wire, unsigned len, uint8_t *to, unsigned width);

/* ---- setting a field (oxm_set.c, load.c) ---- */

/* Appends SET_FIELD of a value off the wire (h->width bytes; `mask` NULL: all of it). */
enum of_error of_oxm_push_set(struct of_actions *acts, const struct of_oxm *h, const uint8_t *wire,
	const uint8_t *wire_mask);

/* Header, value and mask of a SET_FIELD. */
void of_oxm_put_set(struct of_buf *b, enum of_oxm_form form, const struct of_action *a);

/* What a SET_FIELD writes: value and mask (NULL: all) of `bytes` bytes, which are the bits of the
 * field from `base` on. */
struct of_set_bytes {
	const uint8_t *value, *mask;
	unsigned bytes, bits, base;
};
struct of_set_bytes of_set_bytes(const struct of_action *a);

/* SET_FIELD as loads of at most 64 bits each: the one after `*l` (which starts as zeros). False if
 * there is none. */
struct of_load {
	struct of_subfield to;
	uint64_t value;
};
bool of_next_load(const struct of_action *a, struct of_load *l);

/* ---- options of the TLV table (option.c) ---- */

/* Where option n lies in FIELD_TUN_METADATA. False if it is not mapped. */
bool of_option_place(unsigned option, struct of_subfield *whole);

/* Which option has these bits. False if none has all of them. */
bool of_option_find(const struct of_subfield *sf, unsigned *option, struct of_subfield *whole);

/* A header of NXM class 1 for an option of `width` bytes. */
void of_oxm_put_option(struct of_buf *b, unsigned option, unsigned width, bool has_mask);

#endif
