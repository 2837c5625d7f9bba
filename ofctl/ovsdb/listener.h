/* SPDX-License-Identifier: Apache-2.0
 *
 * Sockets at which the server accepts clients. Public parts are in ovsdb.h.
 */
#ifndef OFCTL_OVSDB_LISTENER_H
#define OFCTL_OVSDB_LISTENER_H

#include "ofctl/ovsdb/server.h"

void ovsdb_listeners_close(struct ovsdb *ovsdb);

#endif /* OFCTL_OVSDB_LISTENER_H */
