/* SPDX-License-Identifier: Apache-2.0
 *
 * Tracked connections in a device.
 *
 * Workers announce connections and their end through a bounded ring for each device that has such
 * objects; its thread keeps as many as the device has room for, and puts those into it whose zone
 * a rule of the device uses. One connection is two objects, one a direction, with neighbouring
 * ids. The device's thread owns everything but the rings.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_ring.h>
#include <rte_ring_elem.h>

#include "hal/base/log.h"
#include "hal/mutation.h"
#include "offload/internal.h"

LOG_DEFINE(offload_connection);

#define RING_SIZE 4096
#define DEFAULT_MAX 65536 /* connections, when the device names no limit */
#define TAKE 64           /* from the ring at a time */
#define STEP 64           /* set or deleted between two looks at the events */
#define NO_SLOT UINT32_MAX
#define READ 256 /* whose counters are read at a time */

struct announcement {
	uint64_t id;
	uint32_t gone;
	uint32_t pad;
	struct hal_connection direction[2];
};
_Static_assert(sizeof(struct announcement) % 4 == 0, "a ring's element is whole words");

/* Lives as long as the engine: workers may be in it at any time. */
struct connection_ring {
	_Atomic bool open; /* a device listens */
	_Atomic bool lost; /* an end was lost: all have to go */
	struct rte_ring *ring;
};

enum place { PLACE_OUT, PLACE_IN, PLACE_REFUSED };

struct connection {
	struct hmap_node node;        /* in connections.by_id */
	TAILQ_ENTRY(connection) link; /* in `in`, `out` or `work` */
	uint64_t id;
	uint32_t slot; /* objects 2 * slot and 2 * slot + 1, or NO_SLOT */
	enum place place;
	bool working; /* in `work` */
	bool changed; /* in the device, but not as it should be */
	bool gone;
	uint64_t packets[2]; /* that the device counted */
	struct hal_connection direction[2];
};
TAILQ_HEAD(connection_list, connection);

struct connections {
	struct connection_ring *ring;
	struct hmap by_id;
	struct connection_list in, out, work;
	uint32_t max;   /* that the device has room for */
	uint32_t known; /* that are kept, in it or not: a few more */
	uint32_t n, n_in, n_waiting;
	uint32_t *free_slots;
	uint32_t n_free;
	uint32_t n_zones; /* in use */
	uint64_t zones[65536 / 64];
};

/* ---- any thread ---- */

static bool push(struct connection_ring *cr, struct announcement *a)
{
	return !rte_ring_mp_enqueue_elem(cr->ring, a, sizeof(*a));
}

int offload_connection_set(
	struct offload *ol, uint64_t id, const struct hal_connection direction[2])
{
	struct announcement a = {.id = id};
	int err = 0;

	memcpy(a.direction, direction, sizeof(a.direction));
	for (unsigned i = 0; i < HAL_MAX_DEVICES; i++) {
		struct connection_ring *cr =
			atomic_load_explicit(&ol->rings[i], memory_order_acquire);

		if (cr && atomic_load_explicit(&cr->open, memory_order_relaxed) && !push(cr, &a))
			err = -EAGAIN;
	}
	return err;
}

void offload_connection_gone(struct offload *ol, uint64_t id)
{
	struct announcement a = {.id = id, .gone = 1};

	for (unsigned i = 0; i < HAL_MAX_DEVICES; i++) {
		struct connection_ring *cr =
			atomic_load_explicit(&ol->rings[i], memory_order_acquire);

		if (cr && atomic_load_explicit(&cr->open, memory_order_relaxed) && !push(cr, &a))
			atomic_store_explicit(&cr->lost, true, memory_order_release);
	}
}

/* ---- coming and going ---- */

static struct connection_ring *ring_new(void)
{
	ssize_t size = rte_ring_get_memsize_elem(sizeof(struct announcement), RING_SIZE);
	struct connection_ring *cr = calloc(1, sizeof(*cr));

	if (cr && size > 0)
		cr->ring = aligned_alloc(64, ((size_t)size + 63) & ~63ul);
	if (cr && cr->ring && !rte_ring_init(cr->ring, "connections", RING_SIZE, RING_F_SC_DEQ))
		return cr;
	if (cr)
		free(cr->ring);
	free(cr);
	return NULL;
}

void connections_free_rings(struct offload *ol)
{
	for (unsigned i = 0; i < HAL_MAX_DEVICES; i++) {
		struct connection_ring *cr = atomic_load(&ol->rings[i]);

		if (!cr)
			continue;
		free(cr->ring);
		free(cr);
	}
}

int connections_open(struct device *dev)
{
	struct connection_ring *cr = atomic_load(&dev->ol->rings[dev->index]);
	uint32_t room = dev->caps->max_objects[HAL_OBJECT_CONNECTION] / 2;
	struct connections *cs;
	struct announcement a;

	if (!dev->caps->object[HAL_OBJECT_CONNECTION])
		return 0;
	cs = calloc(1, sizeof(*cs));
	if (!cs)
		return -ENOMEM;
	cs->max = room ? room : DEFAULT_MAX;
	cs->known = cs->max + cs->max / 4 + 64;
	cs->free_slots = malloc(cs->max * sizeof(*cs->free_slots));
	if (!cr)
		cr = ring_new();
	if (!cs->free_slots || !cr) {
		free(cs->free_slots);
		free(cs);
		return -ENOMEM;
	}
	while (cs->n_free < cs->max) {
		cs->free_slots[cs->n_free] = cs->max - 1 - cs->n_free;
		cs->n_free++;
	}
	hmap_init(&cs->by_id);
	TAILQ_INIT(&cs->in);
	TAILQ_INIT(&cs->out);
	TAILQ_INIT(&cs->work);
	cs->ring = cr;
	dev->connections = cs;
	while (!rte_ring_sc_dequeue_elem(cr->ring, &a, sizeof(a)))
		; /* for a device that is no more */
	atomic_store(&cr->lost, false);
	atomic_store(&cr->open, true);
	atomic_store_explicit(&dev->ol->rings[dev->index], cr, memory_order_release);
	return 0;
}

void connections_close(struct device *dev)
{
	struct connections *cs = dev->connections;

	if (!cs)
		return;
	atomic_store(&cs->ring->open, false);
	HMAP_FOR_EACH (c, struct connection, node, &cs->by_id) {
		hmap_remove(&cs->by_id, &c->node);
		free(c);
	}
	hmap_destroy(&cs->by_id);
	free(cs->free_slots);
	free(cs);
	dev->connections = NULL;
}

bool connections_are_used(const struct device *dev)
{
	return dev->connections && (dev->connections->n_zones || dev->connections->n_in ||
					   !TAILQ_EMPTY(&dev->connections->work));
}

static void publish(struct device *dev)
{
	const struct connections *cs = dev->connections;

	pthread_mutex_lock(&dev->lock);
	dev->info.connections = cs->n_in;
	dev->info.connections_waiting = cs->n_waiting;
	dev->info.objects[HAL_OBJECT_CONNECTION] = 2ull * cs->n_in;
	pthread_mutex_unlock(&dev->lock);
}

/* ---- one connection ---- */

static struct connection *find(struct connections *cs, uint64_t id)
{
	HMAP_FOR_EACH_HASH (c, struct connection, node, hash_mix(id), &cs->by_id) {
		if (c->id == id)
			return c;
	}
	return NULL;
}

static bool zone_is_used(const struct connections *cs, uint16_t zone)
{
	return cs->zones[zone / 64] >> zone % 64 & 1;
}

static bool wanted(const struct connections *cs, const struct connection *c)
{
	return !c->gone && zone_is_used(cs, c->direction[0].zone);
}

static struct connection_list *list_of(struct connections *cs, const struct connection *c)
{
	return c->working ? &cs->work : c->place == PLACE_IN ? &cs->in : &cs->out;
}

static void set_place(struct connections *cs, struct connection *c, enum place place, bool working)
{
	TAILQ_REMOVE(list_of(cs, c), c, link);
	cs->n_in += (unsigned)(place == PLACE_IN) - (unsigned)(c->place == PLACE_IN);
	cs->n_waiting += (unsigned)(place == PLACE_REFUSED) - (unsigned)(c->place == PLACE_REFUSED);
	c->place = place;
	c->working = working;
	TAILQ_INSERT_TAIL(list_of(cs, c), c, link);
}

static void look_again(struct connections *cs, struct connection *c)
{
	if (!c->working)
		set_place(cs, c, c->place, true);
}

static void connection_free(struct connections *cs, struct connection *c)
{
	set_place(cs, c, PLACE_OUT, false);
	TAILQ_REMOVE(&cs->out, c, link);
	hmap_remove(&cs->by_id, &c->node);
	cs->n--;
	free(c);
}

/* The oldest that nobody uses makes room for a new one. */
static struct connection *connection_new(struct connections *cs, uint64_t id)
{
	struct connection *c = TAILQ_FIRST(&cs->out);

	if (cs->n >= cs->known && c && !wanted(cs, c))
		connection_free(cs, c);
	if (cs->n >= cs->known)
		return NULL;
	c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	c->id = id;
	if (hmap_insert(&cs->by_id, &c->node, hash_mix(id))) {
		free(c);
		return NULL;
	}
	c->slot = NO_SLOT;
	cs->n++;
	TAILQ_INSERT_TAIL(&cs->out, c, link);
	return c;
}

static void take(struct connections *cs, const struct announcement *a)
{
	struct connection *c = find(cs, a->id);

	if (a->gone) {
		if (!c)
			return;
		c->gone = MUTATE(442, true, false);
		look_again(cs, c);
		return;
	}
	if (!c)
		c = connection_new(cs, a->id);
	if (!c)
		return; /* it stays in software */
	c->gone = false;
	c->changed = c->place == PLACE_IN;
	memcpy(c->direction, a->direction, sizeof(c->direction));
	look_again(cs, c);
}

static void drop_all(struct device *dev, struct connections *cs)
{
	log_warn("%s: too many connections ended at once: all go back to software", dev->info.name);
	HMAP_FOR_EACH (c, struct connection, node, &cs->by_id) {
		c->gone = true;
		look_again(cs, c);
	}
}

void connections_take(struct device *dev)
{
	struct connections *cs = dev->connections;
	struct announcement a;
	unsigned left;

	if (!cs)
		return;
	left = rte_ring_count(cs->ring->ring); /* no more than were there */
	while (left-- && !rte_ring_sc_dequeue_elem(cs->ring->ring, &a, sizeof(a)))
		take(cs, &a);
	if (atomic_exchange_explicit(&cs->ring->lost, false, memory_order_acquire))
		drop_all(dev, cs);
}

/* ---- in the device ---- */

static int set_one(struct device *dev, const struct connection *c, unsigned dir)
{
	const struct hal_object obj = {
		.type = HAL_OBJECT_CONNECTION,
		.id = 2 * c->slot + dir,
		.len = sizeof(c->direction[dir]),
		.arg = &c->direction[dir],
	};
	struct hal_reason r;
	int err = hal_object_set(dev->hal, &obj, &r);

	if (!err && c->place != PLACE_IN)
		err = hal_object_ref(dev->hal, obj.type, obj.id);
	return err;
}

static void del_one(struct device *dev, const struct connection *c, unsigned dir)
{
	hal_object_unref(dev->hal, HAL_OBJECT_CONNECTION, 2 * c->slot + dir);
}

static void count_one(struct device *dev, struct connection *c)
{
	uint64_t more = 0;

	for (unsigned d = 0; d < 2; d++) {
		struct hal_object_stats s;

		if (hal_object_stats_read(dev->hal, HAL_OBJECT_CONNECTION, 2 * c->slot + d, &s))
			continue;
		more += s.packets >= c->packets[d] ? s.packets - c->packets[d] : s.packets;
		c->packets[d] = s.packets;
	}
	if (more && dev->ol->cfg.ops.connection_hit)
		dev->ol->cfg.ops.connection_hit(dev->ol->cfg.ops.ctx, c->id, more);
}

static void give_slot(struct connections *cs, struct connection *c)
{
	if (c->slot != NO_SLOT)
		cs->free_slots[cs->n_free++] = c->slot;
	c->slot = NO_SLOT;
}

static void take_out(struct device *dev, struct connections *cs, struct connection *c)
{
	if (c->place == PLACE_IN) {
		if (!c->gone)
			count_one(dev, c);
		del_one(dev, c, 0);
		del_one(dev, c, 1);
	}
	give_slot(cs, c);
	set_place(cs, c, PLACE_OUT, false);
	c->packets[0] = c->packets[1] = 0;
	if (c->gone)
		connection_free(cs, c);
}

static void put_in(struct device *dev, struct connections *cs, struct connection *c)
{
	bool was_in = c->place == PLACE_IN;
	int err = -ENOSPC;

	if (c->slot == NO_SLOT && cs->n_free)
		c->slot = cs->free_slots[--cs->n_free];
	if (c->slot != NO_SLOT)
		err = set_one(dev, c, 0);
	if (!err) {
		err = set_one(dev, c, 1);
		if (err && !was_in)
			del_one(dev, c, 0);
	}
	c->changed = false;
	if (!err) {
		set_place(cs, c, PLACE_IN, false);
		return;
	}
	if (was_in) /* one direction may be as it was: neither is right */
		take_out(dev, cs, c);
	give_slot(cs, c);
	set_place(cs, c, PLACE_REFUSED, false);
}

bool connections_step(struct device *dev)
{
	struct connections *cs = dev->connections;
	struct connection *c;
	unsigned n = 0;

	if (!cs || dev->mode != MODE_RUN || TAILQ_EMPTY(&cs->work))
		return false;
	while (n++ < STEP && (c = TAILQ_FIRST(&cs->work))) {
		if (!wanted(cs, c))
			take_out(dev, cs, c);
		else if (c->place != PLACE_IN || c->changed)
			put_in(dev, cs, c);
		else
			set_place(cs, c, PLACE_IN, false);
	}
	publish(dev);
	return !TAILQ_EMPTY(&cs->work);
}

void connections_zone(struct device *dev, uint16_t zone, bool used)
{
	struct connections *cs = dev->connections;

	if (!cs || zone_is_used(cs, zone) == used)
		return;
	cs->zones[zone / 64] ^= 1ull << zone % 64;
	cs->n_zones += used ? 1 : -1u;
	HMAP_FOR_EACH (c, struct connection, node, &cs->by_id) {
		if (c->direction[0].zone == zone)
			look_again(cs, c);
	}
}

/* The next of those in the device, and those that were refused are tried again. */
void connections_count(struct device *dev)
{
	struct connections *cs = dev->connections;
	struct connection *c, *next;
	unsigned n;

	if (!cs)
		return;
	for (n = 0; n < READ && n < cs->n_in && (c = TAILQ_FIRST(&cs->in)); n++) {
		count_one(dev, c);
		TAILQ_REMOVE(&cs->in, c, link);
		TAILQ_INSERT_TAIL(&cs->in, c, link);
	}
	n = cs->n_waiting < STEP ? cs->n_waiting : STEP;
	for (c = TAILQ_FIRST(&cs->out); c && n; c = next) {
		next = TAILQ_NEXT(c, link);
		if (c->place != PLACE_REFUSED)
			continue;
		look_again(cs, c);
		n--;
	}
}

/* The device came back without them: they go in again when rules use them again. */
void connections_forget(struct device *dev, bool wipe)
{
	struct connections *cs = dev->connections;
	int err;

	if (!cs)
		return;
	HMAP_FOR_EACH (c, struct connection, node, &cs->by_id) {
		if (c->place == PLACE_IN)
			set_place(cs, c, PLACE_OUT, c->working);
		give_slot(cs, c);
		c->packets[0] = c->packets[1] = 0;
		look_again(cs, c);
	}
	publish(dev);
	err = wipe ? hal_object_drop(dev->hal, HAL_OBJECT_CONNECTION, HAL_OBJECT_ALL) : 0;
	if (err && err != -ENOENT)
		log_warn("%s: connections of a former run could not be deleted: %s", dev->info.name,
			strerror(-err));
}
