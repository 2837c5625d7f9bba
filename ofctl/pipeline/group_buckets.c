/* SPDX-License-Identifier: Apache-2.0
 *
 * Inserting buckets into a group and removing them (OpenFlow 1.5, 6.5).
 */
#include <stdlib.h>
#include <string.h>

#include "ofctl/pipeline/group_priv.h"

/* The place of the bucket that a command names; n_buckets if there is none. */
static unsigned place(const struct of_group *g, uint32_t bucket)
{
	unsigned i = 0;

	if (bucket == OF_BUCKET_FIRST)
		return 0;
	if (bucket == OF_BUCKET_LAST)
		return g->n_buckets ? g->n_buckets - 1 : 0;
	while (i < g->n_buckets && g->buckets[i].id != bucket)
		i++;
	return i;
}

static void copy(struct of_bucket *to, const struct of_bucket *from, unsigned n)
{
	if (n)
		memcpy(to, from, n * sizeof(*to));
}

static enum of_error insert(
	const struct of_group *old, const struct of_group_mod *gm, struct of_group *to)
{
	unsigned at = place(old, gm->bucket), n = gm->group.n_buckets;

	if (gm->bucket <= OF_BUCKET_MAX && at == old->n_buckets)
		return OFERR_GROUP_UNKNOWN_BUCKET;
	for (unsigned i = 0; i < n; i++)
		if (place(old, gm->group.buckets[i].id) < old->n_buckets)
			return OFERR_GROUP_BUCKET_EXISTS;
	if (gm->bucket != OF_BUCKET_FIRST && old->n_buckets)
		at++; /* behind it */
	copy(to->buckets, old->buckets, at);
	copy(to->buckets + at, gm->group.buckets, n);
	copy(to->buckets + at + n, old->buckets + at, old->n_buckets - at);
	to->n_buckets = old->n_buckets + n;
	/* Only a select group has weights. */
	for (unsigned i = at; i < at + n && old->type != OF_GROUP_SELECT; i++)
		to->buckets[i].weight = 0;
	return OFERR_OK;
}

static enum of_error drop(
	const struct of_group *old, const struct of_group_mod *gm, struct of_group *to)
{
	unsigned at = place(old, gm->bucket);

	to->n_buckets = 0;
	if (gm->bucket == OF_BUCKET_ALL || !old->n_buckets)
		return gm->bucket <= OF_BUCKET_MAX ? OFERR_GROUP_UNKNOWN_BUCKET : OFERR_OK;
	if (at == old->n_buckets)
		return OFERR_GROUP_UNKNOWN_BUCKET;
	to->n_buckets = old->n_buckets - 1;
	copy(to->buckets, old->buckets, at);
	copy(to->buckets + at, old->buckets + at + 1, to->n_buckets - at);
	return OFERR_OK;
}

enum of_error group_with_buckets(
	const struct of_group *old, const struct of_group_mod *gm, struct of_group *to)
{
	enum of_error error;

	*to = *old;
	to->buckets = calloc(old->n_buckets + gm->group.n_buckets + 1, sizeof(*to->buckets));
	if (!to->buckets)
		return OFERR_GROUP_OUT_OF_BUCKETS;
	error = gm->command == OF_GROUP_INSERT_BUCKET ? insert(old, gm, to) : drop(old, gm, to);
	if (error)
		free(to->buckets);
	return error;
}
