/* SPDX-License-Identifier: Apache-2.0
 *
 * Building lists of actions.
 */
#include "ofctl/openflow/actions.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

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

int of_actions_push_set_u64(struct of_actions *acts, enum hal_field_id field, uint64_t value)
{
	uint8_t wire[16] = {0};
	unsigned n = hal_field_bytes(field);

	for (unsigned i = 0; i < n && i < 8; i++)
		wire[n - 1 - i] = (uint8_t)(value >> (8 * i));
	return of_actions_push_set(acts, field, wire, NULL);
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
		err = of_actions_push_set_u64(
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

int of_actions_push_load(struct of_actions *acts, enum hal_field_id field, unsigned ofs,
	unsigned n_bits, uint64_t value)
{
	uint8_t wire[16] = {0}, mask[16] = {0};
	unsigned n = hal_field_bytes(field);

	if (n > sizeof(wire) || !hal_fields[field].writable || !n_bits || n_bits > 64 ||
		ofs + n_bits > hal_fields[field].bits || (n_bits < 64 && value >> n_bits))
		return -EINVAL;
	for (unsigned i = 0; i < n_bits; i++) {
		unsigned byte = n - 1 - (ofs + i) / 8, bit = (ofs + i) % 8;

		mask[byte] |= (uint8_t)(1 << bit);
		if (value >> i & 1)
			wire[byte] |= (uint8_t)(1 << bit);
	}
	return of_actions_push_set(acts, field, wire, mask);
}

bool of_move_ok(enum hal_field_id src, unsigned src_ofs, enum hal_field_id dst, unsigned dst_ofs,
	unsigned n_bits)
{
	return src < FIELD_MAX && dst < FIELD_MAX && n_bits &&
	       src_ofs + n_bits <= hal_fields[src].bits &&
	       dst_ofs + n_bits <= hal_fields[dst].bits && hal_fields[dst].writable;
}

static bool bit(const uint8_t *wire, unsigned bytes, unsigned i)
{
	return wire[bytes - 1 - i / 8] >> (i % 8) & 1;
}

bool of_set_as_load(const struct of_action *a, unsigned *ofs, unsigned *n_bits, uint64_t *value)
{
	unsigned bytes = hal_field_bytes(a->field), bits = hal_fields[a->field].bits, i = 0;

	*n_bits = 0;
	*value = 0;
	while (a->has_mask && i < bits && !bit(a->mask, bytes, i))
		i++;
	*ofs = i;
	for (; i < bits && (!a->has_mask || bit(a->mask, bytes, i)); i++) {
		if (*n_bits == 64)
			return false;
		*value |= (uint64_t)bit(a->value, bytes, i) << (*n_bits)++;
	}
	for (; a->has_mask && i < bits; i++)
		if (bit(a->mask, bytes, i))
			return false;
	return *n_bits > 0;
}

bool of_out_port_ok(uint32_t port)
{
	if (port < OF_PORT_MAX)
		return port != 0;
	return port >= OF_PORT_IN_PORT && port != OF_PORT_ANY;
}
