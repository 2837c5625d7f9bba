/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "drivers/sim/ring.h"
#include "fixture.h"

static void *memory;
static struct sim_ring up, down;

static int open_rings(void)
{
	memory = calloc(1, SIM_MEMORY_BYTES);
	sim_ring_init(memory, &up, &down);
	up.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	return memory && up.fd >= 0 ? 0 : 1;
}

static int close_rings(void)
{
	free(memory);
	close(up.fd);
	return 0;
}

static bool readable(void)
{
	struct pollfd pfd = {.fd = up.fd, .events = POLLIN};

	return poll(&pfd, 1, 0) == 1;
}

static bool push(uint32_t len, uint32_t seed)
{
	static uint8_t data[SIM_FRAME_MAX];
	const struct sim_frame f = {.len = len, .port = seed};
	uint64_t at;

	memset(data, (int)seed, len);
	if (!sim_ring_begin(&up, &f, &at))
		return false;
	sim_ring_put(&up, &at, data, len / 2);
	sim_ring_put(&up, &at, data + len / 2, len - len / 2);
	sim_ring_commit(&up, at);
	return true;
}

static bool pull(uint32_t len, uint32_t seed)
{
	static uint8_t data[SIM_FRAME_MAX];
	struct sim_frame f;
	uint64_t at;

	if (sim_ring_next(&up, &f, &at) != 1 || f.len != len || f.port != seed)
		return false;
	sim_ring_get(&up, &at, data, len);
	sim_ring_release(&up, &f);
	for (uint32_t i = 0; i < len; i++)
		if (data[i] != (uint8_t)seed)
			return false;
	return true;
}

static void wraps(void)
{
	uint32_t in = 0, out = 0;

	srand(2);
	for (unsigned round = 0; round < 300; round++) {
		while (push((in * 7919u) % SIM_FRAME_MAX, in))
			in++;
		for (unsigned n = (unsigned)rand() % 50; n && out < in; n--, out++)
			CU_ASSERT_FATAL(pull((out * 7919u) % SIM_FRAME_MAX, out));
	}
	while (out < in) {
		CU_ASSERT_FATAL(pull((out * 7919u) % SIM_FRAME_MAX, out));
		out++;
	}
	CU_ASSERT_FATAL(in > 1000);
}

static void doorbell(void)
{
	struct sim_frame f;
	uint64_t at;

	CU_ASSERT_EQUAL(sim_ring_next(&up, &f, &at), 0);
	CU_ASSERT_FALSE(readable());
	push(10, 1);
	sim_ring_kick(&up);
	push(10, 2);
	sim_ring_kick(&up);
	CU_ASSERT(readable());
	CU_ASSERT(pull(10, 1));
	CU_ASSERT(readable()); /* as long as something waits */
	CU_ASSERT(pull(10, 2));
	CU_ASSERT_EQUAL(sim_ring_next(&up, &f, &at), 0);
	CU_ASSERT_FALSE(readable());
	push(10, 3);
	sim_ring_kick(&up);
	CU_ASSERT(readable());
	CU_ASSERT(pull(10, 3));
}

static void nonsense(void)
{
	struct sim_frame f;
	uint64_t at;

	push(100, 1);
	up.head->head += SIM_RING_BYTES;
	CU_ASSERT_EQUAL(sim_ring_next(&up, &f, &at), -EBADMSG);
	up.head->head -= SIM_RING_BYTES;
	((struct sim_frame *)(void *)(up.data + (up.head->tail & (SIM_RING_BYTES - 1))))->len =
		5000;
	CU_ASSERT_EQUAL(sim_ring_next(&up, &f, &at), -EBADMSG);
	up.head->tail = up.head->head = 0;
	const struct sim_frame big = {.len = SIM_FRAME_MAX + 1};
	CU_ASSERT_FALSE(sim_ring_begin(&up, &big, &at));
}

void ring_suite(void)
{
	CU_pSuite s = CU_add_suite("ring", open_rings, close_rings);

	CU_add_test(s, "frames of all lengths over many wraps", wraps);
	CU_add_test(s, "the doorbell rings while something waits", doorbell);
	CU_add_test(s, "a broken ring is noticed", nonsense);
}
