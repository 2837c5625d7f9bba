/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/simnic/object.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hal/mutation.h"
#include "hal/reason.h"
#include "tools/simnic/check.h"
#include "tools/simnic/nic.h"
#include "tools/simnic/profile.h"
#include "tools/simnic/steps.h"

#define BUCKETS 65536u /* of each table; a power of two */

/* ---- tables ---- */

static uint32_t mix(uint32_t h, uint32_t word)
{
	h = (h ^ word) * 0x9e3779b1u;
	return h ^ h >> 15;
}

static uint32_t id_hash(uint32_t type, uint32_t id)
{
	return mix(mix(0, type), id) & (BUCKETS - 1);
}

static uint32_t tuple_hash(const struct hal_connection *t)
{
	uint32_t h = mix(0, (uint32_t)t->zone << 16 | t->ip_proto), word;

	h = mix(h, (uint32_t)t->tp_src << 16 | t->tp_dst);
	for (unsigned i = 0; i < 16; i += 4) {
		memcpy(&word, t->src + i, 4);
		h = mix(h, word);
		memcpy(&word, t->dst + i, 4);
		h = mix(h, word);
	}
	return h & (BUCKETS - 1);
}

static bool same_tuple(const struct hal_connection *a, const struct hal_connection *b)
{
	return a->zone == b->zone && a->ip_proto == b->ip_proto && a->ipv6 == b->ipv6 &&
	       a->tp_src == b->tp_src && a->tp_dst == b->tp_dst && !memcmp(a->src, b->src, 16) &&
	       !memcmp(a->dst, b->dst, 16);
}

int nic_objects_init(struct nic_objects *objects)
{
	TAILQ_INIT(&objects->all);
	objects->by_id = calloc(BUCKETS, sizeof(struct nic_object *));
	objects->by_tuple = calloc(BUCKETS, sizeof(struct nic_object *));
	return objects->by_id && objects->by_tuple ? 0 : -ENOMEM;
}

struct nic_object *nic_object_find(const struct nic_objects *objects, uint32_t type, uint32_t id)
{
	struct nic_object *o = objects->by_id[id_hash(type, id)];

	while (o && (o->type != type || o->id != id))
		o = o->next;
	return o;
}

struct nic_object *nic_connection_find(
	const struct nic_objects *objects, const struct hal_connection *tuple)
{
	struct nic_object *o = objects->by_tuple[tuple_hash(tuple)];

	while (o && !same_tuple(&o->u.connection, tuple))
		o = o->next_same_tuple;
	return o;
}

static void tuple_link(struct nic_objects *objects, struct nic_object *o)
{
	struct nic_object **head = &objects->by_tuple[tuple_hash(&o->u.connection)];

	o->next_same_tuple = *head;
	*head = o;
}

static void tuple_unlink(struct nic_objects *objects, struct nic_object *o)
{
	struct nic_object **at = &objects->by_tuple[tuple_hash(&o->u.connection)];

	while (*at != o)
		at = &(*at)->next_same_tuple;
	*at = o->next_same_tuple;
}

static void link_object(struct nic_objects *objects, struct nic_object *o)
{
	struct nic_object **head = &objects->by_id[id_hash(o->type, o->id)];

	o->next = *head;
	*head = o;
	TAILQ_INSERT_TAIL(&objects->all, o, all);
	objects->n[o->type]++;
}

/* Takes it out of the tables and frees it. */
static void discard(struct nic_objects *objects, struct nic_object *o)
{
	struct nic_object **at = &objects->by_id[id_hash(o->type, o->id)];

	while (*at != o)
		at = &(*at)->next;
	*at = o->next;
	TAILQ_REMOVE(&objects->all, o, all);
	objects->n[o->type]--;
	if (o->type == HAL_OBJECT_CONNECTION)
		tuple_unlink(objects, o);
	if (o->type == HAL_OBJECT_GROUP)
		free(o->u.group.buckets);
	free(o);
}

void nic_objects_clear(struct nic_objects *objects)
{
	struct nic_object *o;

	while ((o = TAILQ_FIRST(&objects->all)))
		discard(objects, o);
}

void nic_objects_destroy(struct nic_objects *objects)
{
	nic_objects_clear(objects);
	free(objects->by_id);
	free(objects->by_tuple);
}

/* ---- users ---- */

static void buckets_use(struct nic *nic, const uint8_t *at, uint32_t n, int by);

static void discard_with_uses(struct nic *nic, struct nic_object *o)
{
	if (o->type == HAL_OBJECT_GROUP)
		buckets_use(nic, o->u.group.buckets, o->u.group.n_buckets, -1);
	discard(&nic->objects, o);
}

static void steps_use(struct nic *nic, const uint8_t *at, uint32_t len, int by)
{
	const uint8_t *end = at + len;

	while (at < end) {
		struct nic_step s = nic_step_read(at);
		struct nic_lists lists = nic_step_lists(&s);
		uint32_t type = nic_step_object(&s);
		struct nic_object *o = NULL;

		at = s.next;
		for (unsigned i = 0; i < lists.n; i++)
			steps_use(nic, lists.at[i], lists.len[i], by);
		if (type != HAL_OBJECT_MAX)
			o = nic_object_find(&nic->objects, type, nic_step_number(&s));
		if (!o)
			continue;
		o->refs += (uint32_t)by;
		if (!o->refs && !o->claimed && !nic->unclaimed)
			discard_with_uses(nic, o);
	}
}

static void buckets_use(struct nic *nic, const uint8_t *at, uint32_t n, int by)
{
	struct sim_bucket b;

	for (uint32_t i = 0; i < n; i++) {
		memcpy(&b, at, sizeof(b));
		steps_use(nic, at + sizeof(b), b.len, by);
		at += sizeof(b) + b.len;
	}
}

void nic_objects_ref(struct nic *nic, const uint8_t *tlvs, uint32_t len)
{
	steps_use(nic, tlvs, len, 1);
}

void nic_objects_unref(struct nic *nic, const uint8_t *tlvs, uint32_t len)
{
	steps_use(nic, tlvs, len, -1);
}

void nic_objects_unclaim(struct nic *nic)
{
	struct nic_object *o;

	TAILQ_FOREACH (o, &nic->objects.all, all)
		o->claimed = false;
}

void nic_objects_drop_unclaimed(struct nic *nic)
{
	struct nic_object *o, *next;
	bool again = true;

	/* A group that goes may have been the last user of another object. */
	while (again) {
		again = false;
		for (o = TAILQ_FIRST(&nic->objects.all); o; o = next) {
			next = TAILQ_NEXT(o, all);
			if (o->claimed || o->refs)
				continue;
			again = o->type == HAL_OBJECT_GROUP;
			discard_with_uses(nic, o);
			if (again)
				break;
		}
	}
}

/* ---- requests ---- */

static bool refuse(struct sim_done *done, int error, uint32_t reason, const char *text)
{
	done->error = error;
	done->reason = reason;
	snprintf(done->text, sizeof(done->text), "%s", text);
	return false;
}

static bool check_meter(const struct hal_meter *m, struct sim_done *done)
{
	if (m->n_bands > HAL_METER_BANDS)
		return refuse(done, -EOPNOTSUPP, HAL_REASON_UNSUPPORTED_COMBINATION,
			"more bands than a meter has");
	for (uint32_t i = 0; i < m->n_bands; i++) {
		if (m->band[i].type != HAL_BAND_DROP && m->band[i].type != HAL_BAND_DSCP_REMARK)
			return refuse(done, -EOPNOTSUPP, HAL_REASON_UNSUPPORTED_COMBINATION,
				"no such kind of band");
	}
	return true;
}

static bool check_group(struct nic *nic, const uint8_t *body, size_t len, struct sim_done *done)
{
	struct sim_group g;
	struct sim_bucket b;

	if (len < sizeof(g))
		return refuse(done, -EBADMSG, HAL_REASON_DEVICE_ERROR, "the group is cut short");
	memcpy(&g, body, sizeof(g));
	body += sizeof(g);
	len -= sizeof(g);
	if (g.len != len)
		return refuse(done, -EBADMSG, HAL_REASON_DEVICE_ERROR, "the group is malformed");
	for (uint32_t i = 0; i < g.n_buckets; i++) {
		if (len < sizeof(b))
			break;
		memcpy(&b, body, sizeof(b));
		body += sizeof(b);
		len -= sizeof(b);
		if (b.len > len)
			break;
		if (!nic_check_bucket(nic, body, b.len, done))
			return false;
		body += b.len;
		len -= b.len;
		if (i + 1 == g.n_buckets && !len)
			return true;
	}
	if (!g.n_buckets && !len)
		return true;
	return refuse(done, -EBADMSG, HAL_REASON_DEVICE_ERROR, "the group is malformed");
}

static bool check_connection(const struct nic *nic, const struct hal_connection *c,
	const struct nic_object *old, struct sim_done *done)
{
	const struct nic_object *other = nic_connection_find(&nic->objects, c);

	if (other && other != old)
		return refuse(done, -EEXIST, HAL_REASON_DEVICE_ERROR,
			"another connection has this zone and tuple");
	return true;
}

static size_t description_bytes(uint32_t type)
{
	switch (type) {
	case HAL_OBJECT_METER:
		return sizeof(struct hal_meter);
	case HAL_OBJECT_MIRROR:
		return sizeof(struct hal_mirror);
	case HAL_OBJECT_TUNNEL:
		return sizeof(struct hal_tunnel);
	case HAL_OBJECT_CONNECTION:
		return sizeof(struct hal_connection);
	default:
		return 0;
	}
}

static bool check_tunnel(
	const struct sim_object *head, const struct hal_tunnel *t, struct sim_done *done)
{
	if (t->type != HAL_TUNNEL_VXLAN && t->type != HAL_TUNNEL_GENEVE)
		return refuse(done, -EOPNOTSUPP, HAL_REASON_UNSUPPORTED_COMBINATION,
			"no such kind of tunnel");
	if (t->port != head->id)
		return refuse(done, -EBADMSG, HAL_REASON_DEVICE_ERROR,
			"a tunnel end is numbered by its port");
	return true;
}

/* What the description says can be done. Its length is right. */
static bool check(struct nic *nic, const struct sim_object *head, const uint8_t *body,
	const struct nic_object *old, struct sim_done *done)
{
	struct hal_connection connection;
	struct hal_tunnel tunnel;
	struct hal_mirror mirror;
	struct hal_meter meter;

	switch (head->type) {
	case HAL_OBJECT_METER:
		memcpy(&meter, body, sizeof(meter));
		return check_meter(&meter, done);
	case HAL_OBJECT_GROUP:
		return check_group(nic, body, head->len, done);
	case HAL_OBJECT_MIRROR:
		memcpy(&mirror, body, sizeof(mirror));
		if (nic_port_find(nic, mirror.port))
			return true;
		done->port = mirror.port;
		return refuse(done, -EOPNOTSUPP, HAL_REASON_UNBOUND_PORT, "no such port");
	case HAL_OBJECT_TUNNEL:
		memcpy(&tunnel, body, sizeof(tunnel));
		return check_tunnel(head, &tunnel, done);
	default:
		memcpy(&connection, body, sizeof(connection));
		return check_connection(nic, &connection, old, done);
	}
}

static int set_group(struct nic *nic, struct nic_object *o, const uint8_t *body)
{
	struct sim_group g;
	uint8_t *buckets;

	memcpy(&g, body, sizeof(g));
	buckets = malloc(g.len + 1u);
	if (!buckets)
		return -ENOMEM;
	memcpy(buckets, body + sizeof(g), g.len);
	buckets_use(nic, buckets, g.n_buckets, 1);
	if (o->u.group.buckets)
		buckets_use(nic, o->u.group.buckets, o->u.group.n_buckets, -1);
	free(o->u.group.buckets);
	o->u.group.buckets = buckets;
	o->u.group.n_buckets = MUTATE(445, g.n_buckets, 1);
	o->u.group.len = g.len;
	return 0;
}

static int describe(struct nic *nic, struct nic_object *o, const uint8_t *body, bool fresh)
{
	switch (o->type) {
	case HAL_OBJECT_METER:
		memcpy(&o->u.meter.config, body, sizeof(o->u.meter.config));
		nic_meter_start(&o->u.meter);
		return 0;
	case HAL_OBJECT_GROUP:
		return set_group(nic, o, body);
	case HAL_OBJECT_MIRROR:
		memcpy(&o->u.mirror, body, sizeof(o->u.mirror));
		return 0;
	case HAL_OBJECT_TUNNEL:
		memcpy(&o->u.tunnel, body, sizeof(o->u.tunnel));
		return 0;
	default:
		if (!fresh)
			tuple_unlink(&nic->objects, o);
		memcpy(&o->u.connection, body, sizeof(o->u.connection));
		tuple_link(&nic->objects, o);
		return 0;
	}
}

static bool judge(struct nic *nic, const struct sim_object *head, const uint8_t *body, size_t len,
	const struct nic_object *old, struct sim_done *done)
{
	const struct hal_caps *caps = nic->profile->caps;

	if (head->type >= HAL_OBJECT_MAX || !caps->object[head->type])
		return refuse(
			done, -EOPNOTSUPP, HAL_REASON_UNSUPPORTED_ACTION, "it has no such objects");
	if (head->len != len ||
		(head->type != HAL_OBJECT_GROUP && head->len != description_bytes(head->type)))
		return refuse(done, -EBADMSG, HAL_REASON_DEVICE_ERROR, "the object is malformed");
	if (!old && caps->max_objects[head->type] &&
		nic->objects.n[head->type] >= caps->max_objects[head->type])
		return refuse(
			done, -ENOSPC, HAL_REASON_NO_ROOM, "its memory for such objects is full");
	return check(nic, head, body, old, done);
}

void nic_object_set(struct nic *nic, const uint8_t *body, size_t len, struct sim_done *done)
{
	struct nic_object *o, *fresh = NULL;
	struct sim_object head;

	memcpy(&head, body, sizeof(head));
	body += sizeof(head);
	o = nic_object_find(&nic->objects, head.type, head.id);
	if (!judge(nic, &head, body, len - sizeof(head), o, done))
		return;
	if (!o) {
		o = fresh = calloc(1, sizeof(*o));
		if (!o) {
			refuse(done, -ENOMEM, HAL_REASON_NO_ROOM, "out of memory");
			return;
		}
		o->type = head.type;
		o->id = head.id;
	}
	if (describe(nic, o, body, fresh)) {
		refuse(done, -ENOMEM, HAL_REASON_NO_ROOM, "out of memory");
		free(fresh);
		return;
	}
	if (fresh)
		link_object(&nic->objects, fresh);
	o->claimed = true;
}

/* Of the type, but for those in use. */
static void del_all(struct nic *nic, uint32_t type)
{
	struct nic_object *o, *next;

	for (o = TAILQ_FIRST(&nic->objects.all); o; o = next) {
		next = TAILQ_NEXT(o, all);
		if (o->type != type || o->refs)
			continue;
		discard_with_uses(nic, o);
		if (type == HAL_OBJECT_GROUP) /* others may have gone with it */
			next = TAILQ_FIRST(&nic->objects.all);
	}
}

void nic_object_del(struct nic *nic, const struct sim_object_name *name, struct sim_done *done)
{
	struct nic_object *o = nic_object_find(&nic->objects, name->type, name->id);

	if (name->id == HAL_OBJECT_ALL)
		del_all(nic, name->type);
	else if (!o)
		refuse(done, -ENOENT, HAL_REASON_DEVICE_ERROR, "there is no such object");
	else if (o->refs)
		refuse(done, -EBUSY, HAL_REASON_DEPENDS, "rules use it");
	else
		discard_with_uses(nic, o);
}
