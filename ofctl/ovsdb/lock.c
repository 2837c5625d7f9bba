/* SPDX-License-Identifier: Apache-2.0 */
#include "ofctl/ovsdb/lock.h"

#include "ofctl/ovsdb/session.h"

#include <stdlib.h>
#include <string.h>

struct waiter {
	TAILQ_ENTRY(waiter) link;
	struct ovsdb_session *session;
};

struct ovsdb_lock {
	LIST_ENTRY(ovsdb_lock) link;
	char *name;
	TAILQ_HEAD(, waiter) waiters; /* never empty; the first is the owner */
};

static struct ovsdb_lock *find_lock(const struct ovsdb *ovsdb, const char *name)
{
	struct ovsdb_lock *lock;

	LIST_FOREACH (lock, &ovsdb->locks, link) {
		if (!strcmp(lock->name, name))
			return lock;
	}
	return NULL;
}

static struct waiter *find_waiter(
	const struct ovsdb_lock *lock, const struct ovsdb_session *session)
{
	struct waiter *waiter;

	TAILQ_FOREACH (waiter, &lock->waiters, link) {
		if (waiter->session == session)
			return waiter;
	}
	return NULL;
}

static struct ovsdb_lock *lock_new(struct ovsdb *ovsdb, const char *name)
{
	struct ovsdb_lock *lock = calloc(1, sizeof(*lock));

	if (!lock)
		return NULL;
	lock->name = strdup(name);
	if (!lock->name) {
		free(lock);
		return NULL;
	}
	TAILQ_INIT(&lock->waiters);
	LIST_INSERT_HEAD(&ovsdb->locks, lock, link);
	return lock;
}

static void tell(struct ovsdb_session *session, const char *method, const char *name)
{
	ovsdb_session_send(
		session, json_pack("{s:n, s:s, s:[s]}", "id", "method", method, "params", name));
}

static void free_if_unused(struct ovsdb_lock *lock)
{
	if (!TAILQ_EMPTY(&lock->waiters))
		return;
	LIST_REMOVE(lock, link);
	free(lock->name);
	free(lock);
}

int ovsdb_lock_take(struct ovsdb *ovsdb, struct ovsdb_session *session, const char *name,
	bool steal, bool *locked, struct ovsdb_error *error)
{
	struct ovsdb_lock *lock = find_lock(ovsdb, name);

	if (lock && find_waiter(lock, session))
		return ovsdb_fail(error, OVSDB_E_SYNTAX,
			"this client must unlock \"%.64s\" before it locks it again", name);
	if (!lock)
		lock = lock_new(ovsdb, name);
	struct waiter *waiter = lock ? calloc(1, sizeof(*waiter)) : NULL;
	if (!waiter) {
		if (lock)
			free_if_unused(lock);
		return ovsdb_fail(error, OVSDB_E_RESOURCES, "out of memory");
	}

	waiter->session = session;
	if (steal) {
		if (!TAILQ_EMPTY(&lock->waiters))
			tell(TAILQ_FIRST(&lock->waiters)->session, "stolen", name);
		TAILQ_INSERT_HEAD(&lock->waiters, waiter, link);
	} else {
		TAILQ_INSERT_TAIL(&lock->waiters, waiter, link);
	}
	*locked = TAILQ_FIRST(&lock->waiters) == waiter;
	return 0;
}

static void leave(struct ovsdb_lock *lock, struct waiter *waiter)
{
	bool owned = TAILQ_FIRST(&lock->waiters) == waiter;

	TAILQ_REMOVE(&lock->waiters, waiter, link);
	free(waiter);
	if (owned && !TAILQ_EMPTY(&lock->waiters))
		tell(TAILQ_FIRST(&lock->waiters)->session, "locked", lock->name);
	free_if_unused(lock);
}

int ovsdb_lock_drop(struct ovsdb *ovsdb, struct ovsdb_session *session, const char *name,
	struct ovsdb_error *error)
{
	struct ovsdb_lock *lock = find_lock(ovsdb, name);
	struct waiter *waiter = lock ? find_waiter(lock, session) : NULL;

	if (!waiter)
		return ovsdb_fail(
			error, OVSDB_E_SYNTAX, "this client has not locked \"%.64s\"", name);
	leave(lock, waiter);
	return 0;
}

void ovsdb_lock_drop_all(struct ovsdb *ovsdb, struct ovsdb_session *session)
{
	struct ovsdb_lock *lock, *next;

	for (lock = LIST_FIRST(&ovsdb->locks); lock; lock = next) {
		next = LIST_NEXT(lock, link);
		struct waiter *waiter = find_waiter(lock, session);
		if (waiter)
			leave(lock, waiter);
	}
}

bool ovsdb_lock_owned(
	const struct ovsdb *ovsdb, const struct ovsdb_session *session, const char *name)
{
	const struct ovsdb_lock *lock = find_lock(ovsdb, name);

	return lock && TAILQ_FIRST(&lock->waiters)->session == session;
}
