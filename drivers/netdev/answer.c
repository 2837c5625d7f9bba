/* SPDX-License-Identifier: Apache-2.0
 *
 * What the kernel answers. No length in it is trusted.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <linux/netlink.h>
#include <netlink/attr.h>

#include "drivers/netdev/channel.h"

/* The text in the attributes behind an error (struct nlmsgerr). */
static void take_text(struct netdev_answer *a, struct nlmsghdr *h, size_t at)
{
	struct nlattr *first = (struct nlattr *)((char *)h + at), *attr;

	if (!(h->nlmsg_flags & NLM_F_ACK_TLVS) || at >= h->nlmsg_len)
		return;
	attr = nla_find(first, (int)(h->nlmsg_len - at), NLMSGERR_ATTR_MSG);
	if (!attr)
		return;
	snprintf(a->text, sizeof(a->text), "%.*s", nla_len(attr), (const char *)nla_data(attr));
	for (char *c = a->text; *c; c++)
		if (*c == '\n' || *c == '\r')
			*c = ' ';
}

static void take_error(struct netdev_batch *b, unsigned i, struct nlmsghdr *h)
{
	struct netdev_answer *a = &b->answer[i];
	const struct nlmsgerr *e = nlmsg_data(h);
	size_t at = NLMSG_HDRLEN + sizeof(*e);

	if (a->done || h->nlmsg_len < at)
		return;
	/* The request comes back behind its error, unless it is cut off. */
	if (!(h->nlmsg_flags & NLM_F_CAPPED) && e->error && e->msg.nlmsg_len > NLMSG_HDRLEN)
		at += NLMSG_ALIGN(e->msg.nlmsg_len) - NLMSG_HDRLEN;
	a->done = true;
	a->error = e->error > 0 ? -EPROTO : e->error;
	take_text(a, h, at);
	b->n_done++;
}

/* The end of a dump says how it went. */
static void take_end(struct netdev_batch *b, struct nlmsghdr *h)
{
	struct netdev_answer *a = &b->answer[0];
	int error = 0;

	if (!b->dump || a->done)
		return;
	if (h->nlmsg_len >= NLMSG_HDRLEN + sizeof(error))
		memcpy(&error, nlmsg_data(h), sizeof(error));
	a->done = true;
	a->error = error > 0 ? -EPROTO : error;
	b->n_done++;
}

static void take_message(struct netdev_batch *b, struct nlmsghdr *h)
{
	const unsigned i = h->nlmsg_seq - b->seq;

	if (i >= b->n)
		return;
	if (h->nlmsg_flags & NLM_F_DUMP_INTR)
		b->interrupted = true;
	if (h->nlmsg_type == NLMSG_ERROR)
		take_error(b, i, h);
	else if (h->nlmsg_type == NLMSG_DONE)
		take_end(b, h);
	else if (h->nlmsg_type >= NLMSG_MIN_TYPE && b->object && !b->answer[i].done)
		b->object(b->ctx, i, h);
}

void netdev_batch_take(struct netdev_batch *b, void *datagram, size_t len)
{
	struct nlmsghdr *h = datagram;

	while (len >= sizeof(*h) && h->nlmsg_len >= sizeof(*h) && h->nlmsg_len <= len) {
		const size_t step = NLMSG_ALIGN(h->nlmsg_len);

		take_message(b, h);
		if (step >= len)
			return;
		len -= step;
		h = (struct nlmsghdr *)((char *)h + step);
	}
}
