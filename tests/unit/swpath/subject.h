/* SPDX-License-Identifier: Apache-2.0
 *
 * A packet that edits are tried on.
 */
#ifndef SLUICE_TESTS_SWPATH_SUBJECT_H
#define SLUICE_TESTS_SWPATH_SUBJECT_H

#include <string.h>

#include "hal/field.h"
#include "swpath/packet.h"
#include "test_swpath.h"

struct subject {
	struct swpath_packet p;
	struct hal_key key;
};

static inline void take(struct subject *s, struct rte_mbuf *m)
{
	memset(s, 0, sizeof(*s));
	s->p.m = m;
	s->p.pool = test_pool();
	s->p.key = &s->key;
	swpath_packet_parse(m, &s->key, &s->p.ly);
}

static inline int set(struct subject *s, enum hal_field_id id, const void *value, const void *mask)
{
	struct hal_act_set act = {.a = {ACTION_SET, sizeof(act), 0}, .field = (uint16_t)id};
	unsigned n = hal_field_bytes(id);

	memcpy(act.value, value, n);
	memset(act.mask, 0xff, n);
	if (mask)
		memcpy(act.mask, mask, n);
	else if (hal_fields[id].bits % 8)
		act.mask[0] = (uint8_t)(0xff >> (8 - hal_fields[id].bits % 8));
	for (unsigned i = 0; i < n; i++)
		act.value[i] &= act.mask[i];
	return swpath_set_field(&s->p, &act);
}

/* The frame's checksums are what they would be if it had been made this way. */
static inline bool checksums_right(const struct rte_mbuf *m, const struct frame *shape)
{
	struct frame f = *shape;
	struct frame again;

	f.len = m->pkt_len;
	memcpy(f.b, rte_pktmbuf_read(m, 0, m->pkt_len, f.b), f.len);
	again = f;
	frame_checksums(&again);
	return !memcmp(again.b, f.b, f.len);
}

#endif
