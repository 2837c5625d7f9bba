/* SPDX-License-Identifier: Apache-2.0
 *
 * The way of a change to the database: read, change the copy, send the difference, wait until the
 * switch has applied it.
 *
 * What: one transaction for all commands of a call. It carries "wait" operations for what decisions
 * were based on; if that changed in between, it has to be built again on a fresh copy.
 */
#ifndef SLUICE_TOOLS_SLUICECTL_TRANSACTION_H
#define SLUICE_TOOLS_SLUICECTL_TRANSACTION_H

#include <stdbool.h>

#include "tools/sluicectl/model.h"
#include "tools/sluicectl/peer.h"

/* Reads the schema of the switch's database. */
void db_read_schema(struct peer *p, struct schema *s);

/* Reads all rows of all tables, as of one moment. */
void db_read_rows(struct peer *p, struct model *m);

struct db_outcome {
	json_t *ids;         /* id of a new row to the uuid that it got */
	json_int_t next_cfg; /* what cur_cfg must reach */
	bool sent;           /* there was a difference */
};

/* Sends the difference, `comment` with it for the server's log. `reconfigure` asks the switch to
 * confirm. False: something changed in between, so start again with fresh rows. Every other refusal
 * of the database ends the program. */
bool db_commit(struct peer *p, const struct model *m, const char *comment, bool reconfigure,
	struct db_outcome *out);

/* Waits for the switch to apply what db_commit sent. */
void db_wait_applied(struct peer *p, const struct db_outcome *o);

/* Prints the error of each interface that the model made or changed and that could not be set up.
 */
void db_report_interfaces(struct peer *p, const struct model *m);

#endif
