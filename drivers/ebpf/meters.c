/* SPDX-License-Identifier: Apache-2.0
 *
 * Meters: elements of a map that rules name by their number.
 *
 * What the program counts lies in a map of its own, so that a meter can be changed as a whole. A
 * meter of a former run stays until the last of its rules is gone; one that is made meanwhile with
 * its id has another number, and counts from 0.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <bpf/bpf.h>

#include "drivers/ebpf/ebpf.h"
#include "hal/base/log.h"
#include "hal/mutation.h"

LOG_DEFINE(ebpf_meters);

#define UNITS_MAX (UINT64_MAX / 4)
#define LONGEST_FRAMES (1u << 16) /* of a super-frame, and more */
#define LONGEST_BITS (1u << 25)

_Static_assert(EBPF_BANDS == HAL_METER_BANDS, "room for all bands");

static struct ebpf_metering *find(const struct ebpf_dev *dev, uint32_t id)
{
	HMAP_FOR_EACH_HASH (m, struct ebpf_metering, node, hash_mix(id), &dev->meters) {
		if (m->id == id && !m->ending)
			return m;
	}
	return NULL;
}

int64_t ebpf_meter_number(const void *ctx, uint32_t id)
{
	const struct ebpf_metering *m = find(ctx, id);

	return m ? (int64_t)m->number : -1;
}

int64_t ebpf_meter_id(const void *ctx, uint32_t number)
{
	const struct ebpf_dev *dev = ctx;
	const struct ebpf_metering *m = number < EBPF_METERS ? dev->meter_at[number] : NULL;

	return m ? (int64_t)m->id : -1;
}

static struct ebpf_metering *add(struct ebpf_dev *dev, uint32_t id, uint32_t number)
{
	struct ebpf_metering *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->id = id;
	m->number = number;
	if (hmap_insert(&dev->meters, &m->node, hash_mix(id))) {
		free(m);
		return NULL;
	}
	dev->meter_at[number] = m;
	return m;
}

static void forget(struct ebpf_dev *dev, struct ebpf_metering *m)
{
	dev->maps.meter_counts[m->number].used = 0;
	dev->meter_at[m->number] = NULL;
	pool_put(&dev->meter_numbers, m->number);
	hmap_remove(&dev->meters, &m->node);
	free(m);
}

/* ---- rules that use them ---- */

struct ebpf_uses {
	unsigned n;
	uint32_t number[];
};

/* The next step from *i on that names a meter, NULL: there is none. */
static const struct ebpf_step *next_use(const struct ebpf_code *code, unsigned *i)
{
	while (*i < code->n) {
		const struct ebpf_step *s = &code->step[(*i)++];

		if (s->op == EBPF_METER)
			return s;
	}
	return NULL;
}

bool ebpf_meters_held(const struct ebpf_dev *dev, uint32_t slot, const struct ebpf_code *code)
{
	const struct ebpf_uses *uses = dev->uses[slot];
	const struct ebpf_step *s;
	unsigned n = 0, i = 0;

	while ((s = next_use(code, &i))) {
		if (!uses || n == uses->n || uses->number[n++] != s->arg)
			return false;
	}
	return n == (uses ? uses->n : 0);
}

int ebpf_meters_hold(struct ebpf_dev *dev, uint32_t slot, const struct ebpf_code *code)
{
	const struct ebpf_step *s;
	struct ebpf_uses *uses;
	unsigned n = 0, i = 0;

	while (next_use(code, &i))
		n++;
	if (!n)
		return 0;
	uses = malloc(sizeof(*uses) + n * sizeof(uses->number[0]));
	if (!uses)
		return -ENOMEM;
	uses->n = 0;
	for (i = 0; (s = next_use(code, &i));) {
		if (s->arg >= EBPF_METERS || !dev->meter_at[s->arg]) {
			free(uses);
			return -EINVAL;
		}
		uses->number[uses->n++] = s->arg;
	}
	for (i = 0; i < n; i++)
		dev->meter_at[uses->number[i]]->users++;
	dev->uses[slot] = uses;
	return 0;
}

void ebpf_meters_drop(struct ebpf_dev *dev, uint32_t slot)
{
	struct ebpf_uses *uses = dev->uses[slot];

	for (unsigned i = 0; uses && i < uses->n; i++) {
		struct ebpf_metering *m = dev->meter_at[uses->number[i]];

		m->users--;
		if (m->ending && !m->users)
			forget(dev, m);
	}
	free(uses);
	dev->uses[slot] = NULL;
}

/* ---- what a meter is ---- */

/* What `n` (packets, or bits) takes at the rate, rounded. */
static uint64_t units(uint64_t rate, uint64_t n)
{
	if (n < UINT64_MAX / EBPF_UNITS_PER_S)
		return (n * EBPF_UNITS_PER_S + rate / 2) / rate;
	n = (uint64_t)((double)n / (double)rate * (double)EBPF_UNITS_PER_S);
	return n < UNITS_MAX ? n : UNITS_MAX;
}

static int check(const struct hal_object *obj, struct hal_reason *r)
{
	const struct hal_meter *desc = obj->arg;

	if (obj->len != sizeof(*desc) || desc->n_bands > EBPF_BANDS)
		return hal_refuse(r, HAL_REASON_DEVICE_ERROR,
			"no meter is described like this: %u bytes", obj->len);
	for (uint32_t i = 0; i < desc->n_bands; i++)
		if (desc->band[i].type != HAL_BAND_DROP)
			return hal_refuse_action(r, HAL_REASON_UNSUPPORTED_ACTION, ACTION_METER,
				"band %u of meter %u remarks the DSCP: a meter here drops what "
				"exceeds a band",
				i + 1, obj->id);
	return 0;
}

static void describe(const struct hal_meter *desc, struct ebpf_meter *out)
{
	const uint64_t scale = desc->pktps ? 1 : 1000;

	memset(out, 0, sizeof(*out));
	out->pktps = desc->pktps;
	out->n = desc->n_bands;
	for (uint32_t i = 0; i < desc->n_bands; i++) {
		const struct hal_band *b = &desc->band[i];
		const uint64_t burst = b->burst ? b->burst : b->rate;

		out->band[i].rate = b->rate * scale;
		if (b->rate)
			out->band[i].depth = units(out->band[i].rate, burst * scale);
	}
}

/* With full buckets. */
static int write_meter(struct ebpf_dev *dev, const struct ebpf_metering *m)
{
	return bpf_map_update_elem(dev->maps.meters, &m->number, &m->what, BPF_F_LOCK) ? -errno : 0;
}

/* ---- made, changed, deleted ---- */

static int make(struct ebpf_dev *dev, uint32_t id, struct ebpf_metering **out, struct hal_reason *r)
{
	const uint32_t number = pool_take(&dev->meter_numbers);
	struct ebpf_meter_count *c;

	if (number == POOL_NONE)
		return hal_refuse(
			r, HAL_REASON_NO_ROOM, "all %u meters are in use", (unsigned)EBPF_METERS);
	*out = add(dev, id, number);
	if (!*out) {
		pool_put(&dev->meter_numbers, number);
		return hal_refuse(r, HAL_REASON_RETRY, "out of memory");
	}
	c = &dev->maps.meter_counts[number];
	memset(c, 0, sizeof(*c));
	c->id = id;
	c->used = 1;
	return 0;
}

int ebpf_meter_set(struct ebpf_dev *dev, const struct hal_object *obj, struct hal_reason *r)
{
	struct ebpf_metering *m;
	struct ebpf_meter former;
	int err = check(obj, r);

	if (err)
		return err;
	m = find(dev, obj->id);
	if (!m)
		err = make(dev, obj->id, &m, r);
	if (err)
		return err;
	former = m->what;
	describe(obj->arg, &m->what);
	err = write_meter(dev, m);
	if (!err) {
		m->written = true;
		return 0;
	}
	hal_refuse(r, HAL_REASON_DEVICE_ERROR, "meter %u cannot be written: %s", obj->id,
		strerror(-err));
	m->what = former;
	if (!m->written)
		forget(dev, m);
	return err;
}

int ebpf_meter_del(struct ebpf_dev *dev, uint32_t id)
{
	struct ebpf_metering *m;

	if (id != HAL_OBJECT_ALL) {
		m = find(dev, id);
		if (m && !m->users)
			forget(dev, m);
		else
			return m ? -EBUSY : -ENOENT;
		return 0;
	}
	HMAP_FOR_EACH (one, struct ebpf_metering, node, &dev->meters) {
		if (!one->users)
			forget(dev, one);
	}
	return 0;
}

int ebpf_meter_stats(const struct ebpf_dev *dev, uint32_t id, struct hal_object_stats *out)
{
	const struct ebpf_metering *m = find(dev, id);
	const struct ebpf_meter_count *c;

	if (!m)
		return -ENOENT;
	c = &dev->maps.meter_counts[m->number];
	out->meter.packets = __atomic_load_n(&c->packets, __ATOMIC_RELAXED);
	out->meter.bytes = __atomic_load_n(&c->bytes, __ATOMIC_RELAXED);
	for (uint32_t i = 0; i < m->what.n; i++) {
		out->meter.band_packets[i] = __atomic_load_n(&c->band[i].packets, __ATOMIC_RELAXED);
		out->meter.band_bytes[i] = __atomic_load_n(&c->band[i].bytes, __ATOMIC_RELAXED);
	}
	return 0;
}

/* ---- what others did to them ---- */

/* Beyond the time in which any packet's draft is made up for: nothing would pass. */
static bool is_blocked(const struct ebpf_meter *m, uint64_t now)
{
	for (uint32_t i = 0; i < m->n; i++) {
		const struct ebpf_band *b = &m->band[i];

		if (b->rate && m->full_at[i] > now &&
			m->full_at[i] - now >
				b->depth + units(b->rate, m->pktps ? LONGEST_FRAMES : LONGEST_BITS))
			return true;
	}
	return false;
}

static bool is_altered(struct ebpf_dev *dev, const struct ebpf_metering *m)
{
	const struct ebpf_meter_count *c = &dev->maps.meter_counts[m->number];
	struct ebpf_meter now;
	struct timespec ts;

	if (bpf_map_lookup_elem_flags(dev->maps.meters, &m->number, &now, BPF_F_LOCK))
		return false;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return now.pktps != m->what.pktps || now.n != m->what.n ||
	       memcmp(now.band, m->what.band, sizeof(now.band)) || c->used != 1 || c->id != m->id ||
	       is_blocked(&now, ((uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec) *
					EBPF_UNITS_PER_NS);
}

void ebpf_meters_mend(struct ebpf_dev *dev)
{
	HMAP_FOR_EACH (m, struct ebpf_metering, node, &dev->meters) {
		if (m->ending || !is_altered(dev, m))
			continue;
		dev->maps.meter_counts[m->number].id = m->id;
		dev->maps.meter_counts[m->number].used = 1;
		if (write_meter(dev, m))
			log_warn("meter %u was altered, and stays so: %s", m->id, strerror(errno));
		else
			log_warn("meter %u was altered, and is put right", m->id);
	}
}

/* ---- of a former run ---- */

int ebpf_meters_found(struct ebpf_dev *dev)
{
	for (uint32_t number = 0; number < EBPF_METERS; number++) {
		const struct ebpf_meter_count *c = &dev->maps.meter_counts[number];
		struct ebpf_metering *m;

		if (!c->used)
			continue;
		m = add(dev, c->id, number);
		if (!m)
			return -ENOMEM;
		pool_claim(&dev->meter_numbers, number);
		m->ending = true;
	}
	return 0;
}

void ebpf_meters_sweep(struct ebpf_dev *dev)
{
	HMAP_FOR_EACH (m, struct ebpf_metering, node, &dev->meters) {
		if (m->ending && !m->users)
			forget(dev, m);
	}
}

/* ---- the whole ---- */

int ebpf_meters_open(struct ebpf_dev *dev)
{
	dev->meter_at = calloc(EBPF_METERS, sizeof(struct ebpf_metering *));
	dev->uses = calloc(EBPF_SLOTS, sizeof(struct ebpf_uses *));
	return dev->meter_at && dev->uses ? pool_init(&dev->meter_numbers, EBPF_METERS) : -1;
}

void ebpf_meters_close(struct ebpf_dev *dev)
{
	HMAP_FOR_EACH (m, struct ebpf_metering, node, &dev->meters) {
		hmap_remove(&dev->meters, &m->node);
		free(m);
	}
	hmap_destroy(&dev->meters);
	for (uint32_t slot = 0; dev->uses && slot < EBPF_SLOTS; slot++)
		free(dev->uses[slot]);
	free(dev->uses);
	free(dev->meter_at);
	pool_destroy(&dev->meter_numbers);
}
