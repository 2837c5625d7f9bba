/* SPDX-License-Identifier: Apache-2.0
 *
 * Frames from the wire, parsed and edited. The quick parser says what the general one does, or
 * nothing; and the key that edits leave behind is that of the bytes that they leave behind.
 *
 * An input is a number of edits, six bytes for each, and a frame.
 */
#include <stdlib.h>
#include <string.h>

#include "swpath/edit.h"
#include "swpath/packet.h"

#define EDITS_MAX 4u
#define EDIT_LEN 6u
#define ROOM 128u /* before the frame, for what is pushed */

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void parse(const uint8_t *frame, uint32_t len)
{
	struct swpath_layers ly = {0}, common_ly = {0};
	struct hal_key key = {0}, common = {0};

	swpath_parse_frame(frame, len, len, &key, &ly);
	check(ly.l3 <= len && ly.l4 <= len && ly.l3_end <= len);
	if (!swpath_parse_common(frame, len, 0, &common, &common_ly))
		return;
	check(!memcmp(&key, &common, sizeof(key)));
	check(!memcmp(&ly, &common_ly, sizeof(ly)));
}

/* The field, its value and its mask, all from few bytes. */
static int set(struct swpath_packet *p, const uint8_t *how)
{
	enum hal_field_id id = (enum hal_field_id)(how[1] % FIELD_MAX);
	struct hal_act_set act = {.a = {ACTION_SET, sizeof(act), 0}, .field = (uint16_t)id};
	unsigned n = hal_field_bytes(id);

	if (!n || n > sizeof(act.value) || swpath_set_is_meta(&act))
		return SWPATH_OK;
	hal_field_ones(id, act.mask);
	for (unsigned i = 0; i < n; i++) {
		if (how[0] & 0x80)
			act.mask[i] &= how[2 + i % 4] | how[0];
		act.value[i] = how[2 + (i + 1) % 4] & act.mask[i];
	}
	return swpath_set_field(p, &act);
}

static int edit(struct swpath_packet *p, const uint8_t *how)
{
	struct hal_act_vlan vlan = {.a = {ACTION_PUSH_VLAN, sizeof(vlan), 0},
		.tpid = how[1] & 1 ? RTE_BE16(0x88a8) : RTE_BE16(0x8100)};
	struct hal_act_mpls mpls = {.a = {ACTION_PUSH_MPLS, sizeof(mpls), 0}};
	struct hal_act_pbb pbb = {
		.a = {ACTION_PUSH_PBB, sizeof(pbb), 0}, .eth_type = RTE_BE16(0x88e7)};

	memcpy(&vlan.tci, how + 2, 2);
	memcpy(&mpls.lse, how + 2, 4);
	memcpy(&pbb.itag, how + 2, 4);
	vlan.tci &= RTE_BE16(0xefff);
	mpls.eth_type = how[1] & 1 ? RTE_BE16(0x8848) : RTE_BE16(0x8847);
	switch (how[0] % 11) {
	case 0:
		return swpath_push_vlan(p, &vlan);
	case 1:
		return swpath_pop_vlan(p);
	case 2:
		return swpath_push_mpls(p, &mpls);
	case 3:
		memcpy(&mpls.eth_type, how + 2, 2);
		return swpath_pop_mpls(p, &mpls);
	case 4:
		return swpath_push_pbb(p, &pbb);
	case 5:
		return swpath_pop_pbb(p);
	case 6:
		return swpath_copy_ttl(p, how[1] & 1);
	case 7:
		return swpath_dec_ttl(p);
	default:
		return set(p, how);
	}
}

/* The edits on a packet that nobody shares, with enough room before it: no pool is asked. */
static void edit_all(uint8_t *buf, uint32_t len, const uint8_t *how, unsigned n)
{
	struct rte_mbuf m = {.buf_addr = buf,
		.buf_len = (uint16_t)(ROOM + len),
		.data_off = ROOM,
		.data_len = (uint16_t)len,
		.pkt_len = len,
		.nb_segs = 1};
	struct hal_key key = {0}, again = {0};
	struct swpath_packet p = {.m = &m, .key = &key};
	struct swpath_layers ly;

	rte_mbuf_refcnt_set(&m, 1);
	swpath_packet_parse(&m, &key, &p.ly);
	for (unsigned i = 0; i < n; i++)
		if (edit(&p, how + i * EDIT_LEN) != SWPATH_OK)
			return;
	swpath_packet_key(&p);
	swpath_packet_parse(&m, &again, &ly);
	check(!memcmp(&key, &again, sizeof(key)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned n = size ? data[0] % (EDITS_MAX + 1) : 0;
	uint32_t at = 1 + n * EDIT_LEN, len;
	uint8_t *buf;

	if (size < at || size - at > 4000)
		return 0;
	len = (uint32_t)(size - at);
	/* As long as the frame, so that one byte too many is noticed. */
	buf = malloc(ROOM + len);
	if (!buf)
		return 0;
	memcpy(buf + ROOM, data + at, len);
	parse(buf + ROOM, len);
	edit_all(buf, len, data + 1, n);
	free(buf);
	return 0;
}
