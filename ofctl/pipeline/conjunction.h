/* SPDX-License-Identifier: Apache-2.0
 *
 * Conjunctive matches (ovs-fields(7), "Conjunctive Match Fields").
 *
 * What: a flow with conjunction actions is one clause of one or several conjunctions. Where all
 * clauses of a conjunction are met by flows of one priority, and no ordinary flow of that priority
 * or above matches, the table is looked up again with conj_id set, now among ordinary flows only.
 * If that finds nothing the search goes on below, as if the conjunction had not been.
 *
 * A clause flow is never executed and never credited. Of several conjunctions that are met at one
 * priority the lowest id comes first.
 *
 * Thread-safety: as xlate.h.
 */
#ifndef SLUICE_OFCTL_PIPELINE_CONJUNCTION_H
#define SLUICE_OFCTL_PIPELINE_CONJUNCTION_H

#include "ofctl/pipeline/xlate.h"

/* True if the instructions make a flow a clause. */
bool conj_is_clause(const struct of_instructions *ins);

/* True if the flow is a clause of this conjunction and of no other. */
bool conj_only_of(const struct flow *f, uint32_t id);

/* The lookup in a table that holds clauses: notes visits and dependencies, un-wildcards. Returns
 * the winner with a reference, or NULL. */
struct flow *conj_lookup(struct xlate *x, uint8_t table);

#endif
