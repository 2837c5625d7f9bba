/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/sim/ring.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static uint64_t record_bytes(const struct sim_frame *f)
{
	return (sizeof(*f) + sim_frame_bytes(f) + 7) & ~UINT64_C(7);
}

void sim_ring_init(void *memory, struct sim_ring *up, struct sim_ring *down)
{
	uint8_t *p = memory;

	up->head = (struct sim_ring_head *)p;
	down->head = up->head + 1;
	up->data = (uint8_t *)(down->head + 1);
	down->data = up->data + SIM_RING_BYTES;
}

bool sim_ring_begin(struct sim_ring *r, const struct sim_frame *f, uint64_t *at)
{
	uint64_t head = atomic_load_explicit(&r->head->head, memory_order_relaxed);
	uint64_t tail = atomic_load_explicit(&r->head->tail, memory_order_acquire);

	if (f->len > SIM_FRAME_MAX || head - tail > SIM_RING_BYTES ||
		record_bytes(f) > SIM_RING_BYTES - (head - tail))
		return false;
	*at = head;
	sim_ring_put(r, at, f, sizeof(*f));
	return true;
}

void sim_ring_put(struct sim_ring *r, uint64_t *at, const void *data, size_t len)
{
	size_t off = *at & (SIM_RING_BYTES - 1);
	size_t first = SIM_RING_BYTES - off;

	if (first > len)
		first = len;
	memcpy(r->data + off, data, first);
	memcpy(r->data, (const uint8_t *)data + first, len - first);
	*at += len;
}

void sim_ring_commit(struct sim_ring *r, uint64_t at)
{
	atomic_store_explicit(&r->head->head, (at + 7) & ~UINT64_C(7), memory_order_release);
}

void sim_ring_kick(struct sim_ring *r)
{
	uint64_t one = 1;

	/* The record must be seen by a consumer that clears `rung` after this load. */
	atomic_thread_fence(memory_order_seq_cst);
	if (atomic_load_explicit(&r->head->rung, memory_order_relaxed))
		return;
	if (write(r->fd, &one, sizeof(one)) < 0)
		return; /* only EAGAIN: it is readable anyway */
	atomic_store_explicit(&r->head->rung, 1, memory_order_release);
}

/* Quietens the doorbell. True if it had been rung: packets may have come before it was quiet. */
static bool acknowledge(struct sim_ring *r)
{
	uint64_t count;

	if (!atomic_load_explicit(&r->head->rung, memory_order_acquire))
		return false;
	if (read(r->fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		return false;
	atomic_store_explicit(&r->head->rung, 0, memory_order_relaxed);
	atomic_thread_fence(memory_order_seq_cst);
	return true;
}

static int peek(struct sim_ring *r, struct sim_frame *f, uint64_t *at)
{
	uint64_t tail = atomic_load_explicit(&r->head->tail, memory_order_relaxed);
	uint64_t head = atomic_load_explicit(&r->head->head, memory_order_acquire);
	uint64_t used = head - tail;

	if (!used)
		return 0;
	if (used > SIM_RING_BYTES || used < sizeof(*f))
		return -EBADMSG;
	*at = tail;
	sim_ring_get(r, at, f, sizeof(*f));
	if (f->len > SIM_FRAME_MAX || record_bytes(f) > used)
		return -EBADMSG;
	return 1;
}

int sim_ring_next(struct sim_ring *r, struct sim_frame *f, uint64_t *at)
{
	int n = peek(r, f, at);

	if (!n && acknowledge(r))
		n = peek(r, f, at);
	return n;
}

void sim_ring_get(struct sim_ring *r, uint64_t *at, void *data, size_t len)
{
	size_t off = *at & (SIM_RING_BYTES - 1);
	size_t first = SIM_RING_BYTES - off;

	if (first > len)
		first = len;
	memcpy(data, r->data + off, first);
	memcpy((uint8_t *)data + first, r->data, len - first);
	*at += len;
}

void sim_ring_release(struct sim_ring *r, const struct sim_frame *f)
{
	uint64_t tail = atomic_load_explicit(&r->head->tail, memory_order_relaxed);

	atomic_store_explicit(&r->head->tail, tail + record_bytes(f), memory_order_release);
}
