/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the device in memory: what its parts share. All but fake_enter() and WITH() is for
 * whoever holds the device's lock. */
#ifndef SLUICE_TESTS_FAKE_INTERNAL_H
#define SLUICE_TESTS_FAKE_INTERNAL_H

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "fake.h"

#define MAX_FAKES 64
#define MAX_RULES 4096
#define MAX_PENDING 8192
#define MAX_PORTS 64
#define MAX_OBJECTS 1024

struct fake_rule {
	struct hal_ufid ufid;
	struct hal_cmatch *match;
	struct hal_program *program;
	uint32_t chain, priority;
	struct hal_raw_counter counter;
	bool used;
	bool spoiled; /* somebody put something else in its place */
	unsigned pps; /* that hit it by the clock */
	uint64_t streamed_ms;
};

struct fake_object {
	enum hal_object_type type;
	uint32_t id, len;
	void *arg;
	struct hal_object_stats stats;
};

struct script {
	unsigned n;
	enum hal_op_type type;
	enum hal_reason_code code;
};

struct fake {
	char name[32];
	pthread_mutex_t lock;
	pthread_cond_t unblocked;
	struct hal_caps caps;
	struct hal_env env;
	struct fake_rule rules[MAX_RULES];
	const struct hal_rule *ghost;
	unsigned n_rules, max_rules;
	struct hal_completion pending[MAX_PENDING];
	unsigned n_pending;
	uint32_t ports[MAX_PORTS];
	uint32_t no_bind;
	enum hal_field_id no_field;
	struct script reject, late;
	unsigned lose, repeat;
	uint32_t generation, counter_generation;
	bool hold, block, gone, in_call, no_dumps;
	unsigned ops[3], checks, overlaps, objects, dumps;
	struct fake_object object[MAX_OBJECTS]; /* arg NULL: free */
	struct script no_object;
	unsigned keep, dangling, broken;
};

#define WITH(F, ...)                              \
	do {                                      \
		pthread_mutex_lock(&(F)->lock);   \
		__VA_ARGS__;                      \
		pthread_mutex_unlock(&(F)->lock); \
	} while (0)

#define QUERY(TYPE, NAME, EXPR)      \
	TYPE NAME(struct fake *f)    \
	{                            \
		TYPE v;              \
		WITH(f, v = (EXPR)); \
		return v;            \
	}

/* fake.c */
void fake_wake(struct fake *f);
void fake_wipe(struct fake *f);
struct fake_rule *fake_find(struct fake *f, const struct hal_ufid *ufid);
unsigned fake_port_slot(const struct fake *f, uint32_t port);
bool fake_scripted(struct script *s, enum hal_op_type type);
void *fake_dup_bytes(const void *from, size_t len);

/* driver.c: one thread at a time, a second one is noted. */
void fake_enter(struct fake *f);
void fake_leave(struct fake *f);
void fake_put(struct fake *f, struct fake_rule *r, const struct hal_rule *rule);
void fake_take(struct fake *f, struct fake_rule *r);
struct fake_rule *fake_free_slot(struct fake *f);

/* objects.c */
void fake_wipe_objects(struct fake *f);
bool fake_lacks_object(struct fake *f, const struct hal_program *p);
void fake_look_for_broken_chains(struct fake *f);
int fake_object_set(void *dev, const struct hal_object *obj, struct hal_reason *r);
int fake_object_del(void *dev, enum hal_object_type type, uint32_t id);
int fake_object_stats(
	void *dev, enum hal_object_type type, uint32_t id, struct hal_object_stats *out);

#endif
