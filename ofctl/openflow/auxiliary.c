/* SPDX-License-Identifier: Apache-2.0
 *
 * Auxiliary connections (OpenFlow 1.3, 6.3.5): further ones to a controller, which begin after the
 * main connection and end with it. Requests are answered where they came from; what happens by
 * itself is told on the main one, unless it is asked for on another. Roles are the controller's.
 */
#include "ofctl/openflow/conn.h"

static const struct of_remote *main_of(const struct of_remote *remote)
{
	return remote->main ? remote->main : remote;
}

bool of_conn_same_controller(const struct of_conn *a, const struct of_conn *b)
{
	return a == b || (!a->remote->t.passive && main_of(a->remote) == main_of(b->remote));
}

/* An auxiliary one speaks what the main one does. */
uint32_t of_conn_versions(const struct of_conn *conn)
{
	const struct of_remote *main = conn->remote->main;

	return main && main->conn && main->conn->version ? 1u << main->conn->version
							 : conn->agent->versions;
}

static struct of_controller_config own_config(
	const struct of_remote *main, const struct of_controller_config *cfg)
{
	struct of_controller_config own = *cfg;

	own.auxiliaries = 0;
	own.held = !main->n_up;
	return own;
}

static bool add(struct of_remote *main, const struct of_controller_config *own, unsigned id)
{
	struct of_remote *remote = of_remote_new(main->agent, own, true);

	if (!remote)
		return false;
	remote->main = main;
	remote->auxiliary_id = (uint8_t)id;
	LIST_INSERT_HEAD(&main->auxiliaries, remote, entry);
	return true;
}

/* The last one that was made is the first of the list. */
void of_auxiliaries_configure(struct of_remote *main, const struct of_controller_config *cfg)
{
	const struct of_controller_config own = own_config(main, cfg);
	struct of_remote *remote = LIST_FIRST(&main->auxiliaries);
	unsigned n = remote ? remote->auxiliary_id : 0;

	while (n > cfg->auxiliaries) {
		remote = LIST_FIRST(&main->auxiliaries);
		LIST_REMOVE(remote, entry);
		of_remote_free(remote);
		n--;
	}
	LIST_FOREACH (remote, &main->auxiliaries, entry)
		of_remote_configure(remote, &own);
	while (n < cfg->auxiliaries && add(main, &own, n + 1))
		n++;
}

void of_auxiliaries_free(struct of_remote *main)
{
	of_auxiliaries_configure(main, &(struct of_controller_config){.auxiliaries = 0});
}

void of_auxiliaries_up(struct of_remote *main)
{
	struct of_remote *remote;

	LIST_FOREACH (remote, &main->auxiliaries, entry) {
		remote->held = false;
		of_remote_retry(remote);
	}
}

void of_auxiliaries_down(struct of_remote *main)
{
	struct of_remote *remote;

	LIST_FOREACH (remote, &main->auxiliaries, entry) {
		remote->held = true;
		if (remote->conn)
			of_conn_close_soon(remote->conn, "the main connection has ended");
	}
}
