/* SPDX-License-Identifier: Apache-2.0
 *
 * Locks that clients take by name (RFC 7047, 4.1.8): each has a queue of
 * clients, the first of which owns it.
 */
#ifndef OFCTL_OVSDB_LOCK_H
#define OFCTL_OVSDB_LOCK_H

#include "ofctl/ovsdb/server.h"

/* Queue 'session' for 'name', in front if 'steal' (the owner so far is told
 * "stolen"). '*locked' says whether it owns the lock now. */
int ovsdb_lock_take(struct ovsdb *ovsdb, struct ovsdb_session *session, const char *name,
	bool steal, bool *locked, struct ovsdb_error *error);
/* Leave the queue; the next in it, if now first, is told "locked". */
int ovsdb_lock_drop(struct ovsdb *ovsdb, struct ovsdb_session *session, const char *name,
	struct ovsdb_error *error);
/* Leave all queues. */
void ovsdb_lock_drop_all(struct ovsdb *ovsdb, struct ovsdb_session *session);
bool ovsdb_lock_owned(
	const struct ovsdb *ovsdb, const struct ovsdb_session *session, const char *name);

#endif /* OFCTL_OVSDB_LOCK_H */
