/* SPDX-License-Identifier: Apache-2.0 */
/* Serves a database on a socket until a signal comes, so that stock tools can
 * be tried on it:
 *
 *	ovsdb_standalone REMOTE [DB-FILE]
 */
#include "hal/base/rcu.h"
#include "ofctl/ovsdb/ovsdb.h"

#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static void on_signal(evutil_socket_t signum, short what, void *base)
{
	(void)signum;
	(void)what;
	event_base_loopbreak(base);
}

static void on_second(evutil_socket_t fd, short what, void *aux)
{
	(void)fd;
	(void)what;
	(void)aux;
	rcu_reclaim();
}

int main(int argc, char **argv)
{
	struct ovsdb *db;

	if (argc < 2) {
		fprintf(stderr, "usage: %s REMOTE [DB-FILE]\n", argv[0]);
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	rcu_init();
	struct event_base *base = event_base_new();
	int rc = ovsdb_open(&db, base, argc > 2 ? argv[2] : NULL);
	if (!rc)
		rc = ovsdb_listen(db, argv[1]);
	if (rc) {
		fprintf(stderr, "%s: %s\n", argv[0], strerror(-rc));
		return 1;
	}

	struct timeval second = {1, 0};
	struct event *timer = event_new(base, -1, EV_PERSIST, on_second, NULL);
	struct event *term = evsignal_new(base, SIGTERM, on_signal, base);
	struct event *interrupt = evsignal_new(base, SIGINT, on_signal, base);
	event_add(timer, &second);
	event_add(term, NULL);
	event_add(interrupt, NULL);
	event_base_dispatch(base);

	event_free(timer);
	event_free(term);
	event_free(interrupt);
	ovsdb_close(db);
	event_base_free(base);
	rcu_drain();
	return 0;
}
