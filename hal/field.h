/* SPDX-License-Identifier: Apache-2.0
 *
 * Match fields: their identities, where they live in a key, and generic access to them.
 *
 * What: enum hal_field_id and a const table, both generated from hal/fields.def.
 * Why: codecs, parsers, capability checks and explain texts go over fields without a line of code
 * for any single one.
 * Thread-safety: the tables are const; the functions touch only their arguments.
 */
#ifndef SLUICE_HAL_FIELD_H
#define SLUICE_HAL_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hal/key.h"

enum hal_field_id {
#define FIELD(ID, ...) FIELD_##ID,
#include "hal/fields.def"
#undef FIELD
	FIELD_MAX,
	FIELD_INVALID = FIELD_MAX,
};

/* What a packet must be for a field to exist. */
enum hal_prereq {
	PREREQ_NONE,
	PREREQ_VLAN,
	PREREQ_PBB,
	PREREQ_MPLS,
	PREREQ_IPV4,
	PREREQ_IPV6,
	PREREQ_IP, /* either */
	PREREQ_ARP,
	PREREQ_TCP,
	PREREQ_UDP,
	PREREQ_SCTP,
	PREREQ_ICMPV4,
	PREREQ_ICMPV6,
	PREREQ_ND,
	PREREQ_ND_SOLICIT,
	PREREQ_ND_ADVERT,
	PREREQ_CT,
	PREREQ_CT_IPV4,
	PREREQ_CT_IPV6,
};

enum hal_maskable { MASK_NONE, MASK_ANY };

enum hal_format {
	FMT_DEC,
	FMT_HEX,
	FMT_MAC,
	FMT_IPV4,
	FMT_IPV6,
	FMT_PORT,
	FMT_VLAN_VID,
	FMT_FRAG,
	FMT_TCP_FLAGS,
	FMT_CT_STATE,
	FMT_TUN_FLAGS,
	FMT_PACKET_TYPE,
};

#define NOCODE 0xffff

struct hal_field {
	const char *name;
	const char *alias; /* older spelling, or NULL */
	uint16_t offset;   /* bytes into struct xlate_key */
	uint16_t size;     /* bytes of the member */
	uint8_t shift;
	uint16_t bits;
	enum hal_maskable maskable;
	enum hal_prereq prereq;
	bool writable;
	uint16_t oxm_class, oxm_field;
	uint16_t nxm_class, nxm_field;
	enum hal_format format;
};

extern const struct hal_field hal_fields[FIELD_MAX];

/* Largest value of any field, bytes. */
#define HAL_VALUE_MAX 128

/* A field's value in its wire form: big-endian, right-aligned in hal_field_bytes() bytes. */
static inline unsigned hal_field_bytes(enum hal_field_id id)
{
	return (hal_fields[id].bits + 7u) / 8u;
}

/* True if the field lies in the datapath key: workers and devices can see it. */
static inline bool hal_field_is_dp(enum hal_field_id id)
{
	return hal_fields[id].offset < sizeof(struct hal_key);
}

/* Reads `id` out of `key` (a struct xlate_key, or a struct hal_key for datapath fields) into
 * `value`, hal_field_bytes() bytes in wire form. */
void hal_field_get(enum hal_field_id id, const void *key, uint8_t *value);

/* Writes `value` under `mask` (both in wire form; NULL mask: all bits) into `key`. Bits of the
 * member outside the field or the mask are kept. */
void hal_field_set(enum hal_field_id id, void *key, const uint8_t *value, const uint8_t *mask);

/* The same for fields of at most 64 bits, as integers in host order. */
uint64_t hal_field_get_u64(enum hal_field_id id, const void *key);
void hal_field_set_u64(enum hal_field_id id, void *key, uint64_t value);

/* Writes the mask in wire form that has every bit of the field: what "exact" means for it. (For
 * NW_TOS that is 0xfc, it leaves ECN alone.) */
void hal_field_ones(enum hal_field_id id, uint8_t *mask);

/* True if any, or every, bit of the field is set in `mask` (laid out like a key). */
bool hal_field_any(enum hal_field_id id, const void *mask);
bool hal_field_all(enum hal_field_id id, const void *mask);

/* Finds a field by either of its names, or by its OXM or NXM code. FIELD_INVALID if none. */
enum hal_field_id hal_field_by_name(const char *name, size_t len);
enum hal_field_id hal_field_by_code(uint16_t oxm_class, uint16_t oxm_field);

/* True if a packet that matches value/mask `value`, `mask` (keys) certainly has the field. */
bool hal_field_prereq_ok(enum hal_field_id id, const void *value, const void *mask);

/* The Ethernet type that a match (or, with a mask of all ones, a packet) has, which may be part of
 * its packet type. False if it says nothing of it. */
bool hal_match_eth_type(const void *value, const void *mask, uint16_t *type);

/* Adds to `mask` the bits that the field's prerequisite is decided by. */
void hal_field_prereq_mask(enum hal_field_id id, void *mask);

/* Parses "VALUE" or "VALUE/MASK" into wire form (HAL_VALUE_MAX bytes each). Returns 0, or -EINVAL
 * with a message in `err` that names the field, the input and what was expected. */
int hal_field_parse(
	enum hal_field_id id, const char *text, uint8_t *value, uint8_t *mask, char *err, size_t n);

/* Prints value and mask (wire form; NULL mask: exact) as hal_field_parse() reads them. Returns the
 * length as snprintf does. */
int hal_field_format(
	enum hal_field_id id, const uint8_t *value, const uint8_t *mask, char *buf, size_t n);

#endif
