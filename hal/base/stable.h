/* SPDX-License-Identifier: Apache-2.0
 *
 * Type-stable memory: blocks are used again for others of the same type and size, nothing else.
 *
 * What: an allocator whose memory is never given back. Whoever kept a pointer to a block may read
 * it at any time: it is what it was, or another block of the same type.
 * Why: caches may keep pointers without holding references, if what is there says whether it is in
 * force (hal/megaflow.h).
 * Thread-safety: any thread.
 */
#ifndef SLUICE_HAL_BASE_STABLE_H
#define SLUICE_HAL_BASE_STABLE_H

#include <stddef.h>

enum stable_type {
	STABLE_MEGAFLOW,   /* caches keep pointers to them */
	STABLE_DEPENDENCY, /* what a megaflow depends on; nobody keeps pointers */
	STABLE_CONNECTION, /* chunks of them, and their table */
	STABLE_TYPES,
};

/* A block of at least `size` bytes on a cache line of its own, with the contents that it had when
 * it was freed (0 if it is new), but for its first 8 bytes. NULL: no memory. Blocks of all sizes
 * that round up to the same one, of multiples of 128 bytes, replace each other within a type. */
void *stable_alloc(enum stable_type type, size_t size);

/* `type` and `size` as it was asked for. */
void stable_free(enum stable_type type, void *block, size_t size);

#endif
