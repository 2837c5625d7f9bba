/* SPDX-License-Identifier: Apache-2.0 */
#include "compare.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

static int order(const void *pa, const void *pb)
{
	const struct output *a = pa, *b = pb;

	if (a->seq != b->seq)
		return a->seq < b->seq ? -1 : 1;
	if (a->port != b->port)
		return a->port < b->port ? -1 : 1;
	if (a->len != b->len)
		return a->len < b->len ? -1 : 1;
	return memcmp(a->bytes, b->bytes, a->len);
}

/* A packet-in that the action set made comes from no certain flow: -1 is as right as any. */
static bool same_cookie(const struct output *a, const struct output *b)
{
	return a->cookie == b->cookie || a->cookie == OUTPUT_NO_COOKIE ||
	       b->cookie == OUTPUT_NO_COOKIE;
}

/* The outputs of one packet on one switch. */
struct slice {
	const struct output *o;
	unsigned n;
};

static struct slice take(const struct peer *p, unsigned *at, uint32_t seq)
{
	struct slice s = {p->out + *at, 0};

	while (*at < p->n_out && p->out[*at].seq == seq) {
		++*at;
		s.n++;
	}
	return s;
}

static bool same_output(const struct output *a, const struct output *b)
{
	return a->port == b->port && a->len == b->len && same_cookie(a, b) &&
	       !memcmp(a->bytes, b->bytes, a->len);
}

static bool equal(const struct slice *a, const struct slice *b)
{
	if (a->n != b->n)
		return false;
	for (unsigned i = 0; i < a->n; i++)
		if (!same_output(&a->o[i], &b->o[i]))
			return false;
	return true;
}

/* All of `part` is in `whole` (both sorted). */
static bool within(const struct slice *part, const struct slice *whole)
{
	unsigned j = 0;

	for (unsigned i = 0; i < part->n; i++, j++) {
		while (j < whole->n && !same_output(&part->o[i], &whole->o[j]))
			j++;
		if (j == whole->n)
			return false;
	}
	return true;
}

/* The most outputs by one port. Sorted, those of a port stand side by side. */
static unsigned copies(const struct slice *s)
{
	unsigned most = 0, run = 0;

	for (unsigned i = 0; i < s->n; i++) {
		run = i && s->o[i].port == s->o[i - 1].port ? run + 1 : 1;
		if (run > most)
			most = run;
	}
	return most;
}

static void print_hex(FILE *f, const uint8_t *p, unsigned n)
{
	while (n--)
		fprintf(f, "%02x", *p++);
	fprintf(f, "\n");
}

static void print_slice(FILE *f, const char *name, const struct slice *s)
{
	if (!s->n)
		fprintf(f, "  %-12s nothing\n", name);
	for (unsigned i = 0; i < s->n; i++) {
		const struct output *o = &s->o[i];

		if (o->port == PORT_CONTROLLER)
			fprintf(f, "  %-12s controller, cookie %016llx, ", name,
				(unsigned long long)be64toh(o->cookie));
		else if (o->port == 0)
			fprintf(f, "  %-12s port LOCAL ", name);
		else
			fprintf(f, "  %-12s port %u ", name, o->port);
		print_hex(f, o->bytes, o->len);
	}
}

struct verdict compare(
	struct wire *w, const struct sent *sent, unsigned n, unsigned limit, FILE *report)
{
	struct verdict v = {0};
	unsigned at[MAX_SWITCHES] = {0};

	for (unsigned i = 0; i < w->n_peers; i++)
		if (w->peer[i].n_out)
			qsort(w->peer[i].out, w->peer[i].n_out, sizeof(struct output), order);
	for (unsigned seq = 0; seq < n; seq++) {
		struct slice s[MAX_SWITCHES] = {{0}};
		bool bad = false;

		for (unsigned i = 0; i < w->n_peers; i++) {
			s[i] = take(&w->peer[i], &at[i], seq);
			if (w->peer[i].lossy && s[i].n < s[0].n) {
				v.lost += s[0].n - s[i].n;
				v.harmed++;
			}
			if (w->peer[i].lossy ? !within(&s[i], &s[0]) : !equal(&s[i], &s[0]))
				bad = true;
		}
		v.forwarded += s[0].n > 0;
		if (copies(&s[0]) > v.copies)
			v.copies = copies(&s[0]);
		if (!bad || v.divergent++ >= limit)
			continue;
		fprintf(report, "packet %u, phase %u, in port %u: ", seq, sent[seq].phase,
			sent[seq].port);
		print_hex(report, sent[seq].frame, sent[seq].len);
		for (unsigned i = 0; i < w->n_peers; i++)
			print_slice(report, w->peer[i].name, &s[i]);
	}
	return v;
}
