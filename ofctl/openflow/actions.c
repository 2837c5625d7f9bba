/* SPDX-License-Identifier: Apache-2.0
 *
 * Building lists of actions.
 */
#include "ofctl/openflow/actions.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "ofctl/openflow/codec.h"
#include "ofctl/openflow/oxm.h"

int of_actions_push(struct of_actions *acts, const struct of_action *a)
{
	/* Room doubles: it is full when the count is a power of two. */
	if ((acts->n & (acts->n - 1)) == 0) {
		size_t room = acts->n ? (size_t)acts->n * 2 : 1;
		struct of_action *more = realloc(acts->a, room * sizeof(*more));

		if (!more)
			return -ENOMEM;
		acts->a = more;
	}
	acts->a[acts->n++] = *a;
	return 0;
}

static bool all_ones(enum hal_field_id id, const uint8_t *mask)
{
	unsigned n = hal_field_bytes(id), bits = hal_fields[id].bits;
	uint8_t first = bits % 8 ? (uint8_t)((1 << bits % 8) - 1) : 0xff;

	if (mask[0] != first)
		return false;
	for (unsigned i = 1; i < n; i++)
		if (mask[i] != 0xff)
			return false;
	return true;
}

int of_actions_push_set(
	struct of_actions *acts, enum hal_field_id field, const uint8_t *value, const uint8_t *mask)
{
	struct of_action a = {.type = OFACT_SET_FIELD, .field = field};
	unsigned n = hal_field_bytes(field);

	if (n > sizeof(a.value))
		return -EINVAL;
	memcpy(a.value, value, n);
	if (mask && !all_ones(field, mask)) {
		a.has_mask = true;
		memcpy(a.mask, mask, n);
	}
	return of_actions_push(acts, &a);
}

int of_actions_push_mod(struct of_actions *acts, enum hal_field_id field, const uint8_t *value)
{
	int err = of_actions_push_set(acts, field, value, NULL);

	if (!err)
		acts->a[acts->n - 1].form = OF_SET_MOD;
	return err;
}

int of_actions_push_mod_u64(struct of_actions *acts, enum hal_field_id field, uint64_t value)
{
	uint8_t wire[16] = {0};
	unsigned n = hal_field_bytes(field);

	for (unsigned i = 0; i < n && i < 8; i++)
		wire[n - 1 - i] = (uint8_t)(value >> (8 * i));
	return of_actions_push_mod(acts, field, wire);
}

static const struct {
	enum hal_field_id src, dst;
	uint8_t proto;
} transports[] = {
	{FIELD_TCP_SRC, FIELD_TCP_DST, IPPROTO_TCP},
	{FIELD_UDP_SRC, FIELD_UDP_DST, IPPROTO_UDP},
	{FIELD_SCTP_SRC, FIELD_SCTP_DST, IPPROTO_SCTP},
};
#define N_TRANSPORTS (sizeof(transports) / sizeof(transports[0]))

int of_actions_push_set_tp(
	struct of_actions *acts, bool dst, uint16_t port, const struct hal_match *match)
{
	bool known = match && hal_field_all(FIELD_IP_PROTO, &match->mask);
	uint64_t proto = known ? hal_field_get_u64(FIELD_IP_PROTO, &match->value) : 0;

	for (unsigned i = 0; i < N_TRANSPORTS; i++) {
		int err;

		if (known && transports[i].proto != proto)
			continue;
		err = of_actions_push_mod_u64(
			acts, dst ? transports[i].dst : transports[i].src, port);
		if (err)
			return err;
	}
	return 0;
}

static bool sets_port(const struct of_action *a, unsigned transport, bool dst)
{
	return a->type == OFACT_SET_FIELD && !a->has_mask &&
	       a->field == (dst ? transports[transport].dst : transports[transport].src);
}

unsigned of_actions_tp_run(const struct of_actions *acts, unsigned i)
{
	const struct of_action *a = &acts->a[i];

	for (int dst = 0; dst < 2; dst++) {
		unsigned n = 0;

		while (n < N_TRANSPORTS && i + n < acts->n && sets_port(&a[n], n, dst) &&
			!memcmp(a[n].value, a->value, 2))
			n++;
		if (n == N_TRANSPORTS)
			return n;
	}
	for (unsigned t = 0; t < N_TRANSPORTS; t++)
		if (sets_port(a, t, false) || sets_port(a, t, true))
			return 1;
	return 0;
}

/* Writes `n_bits` of `value` into big-endian `wire` from bit `ofs` on, and their places into
 * `mask`. */
static void put_bits(
	uint8_t *wire, uint8_t *mask, unsigned bytes, unsigned ofs, unsigned n_bits, uint64_t value)
{
	for (unsigned i = 0; i < n_bits; i++) {
		unsigned byte = bytes - 1 - (ofs + i) / 8, bit = (ofs + i) % 8;

		mask[byte] |= (uint8_t)(1 << bit);
		if (value >> i & 1)
			wire[byte] |= (uint8_t)(1 << bit);
	}
}

/* A load into a part of an option. */
static int push_option_load(struct of_actions *acts, const struct of_subfield *sf, uint64_t value)
{
	struct of_action a = {
		.type = OFACT_SET_FIELD, .form = OF_SET_LOAD, .field = sf->field, .has_mask = true};
	struct of_subfield whole;
	unsigned option, n;
	int err;

	if (!of_option_find(sf, &option, &whole))
		return -EINVAL;
	n = whole.n_bits / 8;
	a.option = (uint8_t)option;
	a.data = calloc(2, n);
	if (!a.data)
		return -ENOMEM;
	a.data_len = (uint16_t)(2 * n);
	put_bits(a.data, a.data + n, n, sf->ofs - whole.ofs, sf->n_bits, value);
	err = of_actions_push(acts, &a);
	if (err)
		of_action_free(&a);
	return err;
}

int of_actions_push_load(struct of_actions *acts, const struct of_subfield *sf, uint64_t value)
{
	uint8_t wire[16] = {0}, mask[16] = {0};
	unsigned n = hal_field_bytes(sf->field);
	int err;

	if (!hal_fields[sf->field].writable || !sf->n_bits || sf->n_bits > 64 ||
		sf->ofs + sf->n_bits > hal_fields[sf->field].bits ||
		(sf->n_bits < 64 && value >> sf->n_bits))
		return -EINVAL;
	if (sf->field == FIELD_TUN_METADATA)
		return push_option_load(acts, sf, value);
	if (sf->field == FIELD_IN_PORT && !sf->ofs && sf->n_bits == 16) {
		err = of_actions_push_mod_u64(acts, sf->field, of_port_from16((uint16_t)value));
	} else {
		put_bits(wire, mask, n, sf->ofs, sf->n_bits, value);
		err = of_actions_push_set(acts, sf->field, wire, mask);
	}
	if (!err)
		acts->a[acts->n - 1].form = OF_SET_LOAD;
	return err;
}

bool of_out_port_ok(uint32_t port)
{
	if (port < OF_PORT_MAX)
		return port != 0;
	return port >= OF_PORT_IN_PORT && port != OF_PORT_ANY;
}
