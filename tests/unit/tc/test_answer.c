/* SPDX-License-Identifier: Apache-2.0
 *
 * What the kernel answers to a batch, and what it never would.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <CUnit/CUnit.h>
#include <netlink/attr.h>

#include "drivers/netdev/channel.h"
#include "test_tc.h"

#define N 4u
#define SEQ 100u

static struct netdev_answer answers[N];
static unsigned objects[N];

static int on_object(void *ctx, unsigned i, struct nlmsghdr *h)
{
	(void)ctx, (void)h;
	objects[i]++;
	return 0;
}

static struct netdev_batch batch(void)
{
	memset(answers, 0, sizeof(answers));
	memset(objects, 0, sizeof(objects));
	return (struct netdev_batch){.seq = SEQ, .n = N, .answer = answers, .object = on_object};
}

/* Appends one message to `at`; returns its end. */
static uint8_t *put_error(uint8_t *at, uint32_t seq, int error, const char *text)
{
	struct nlmsghdr *h = (struct nlmsghdr *)at;
	struct nlmsgerr *e = (struct nlmsgerr *)(h + 1);
	struct nlattr *attr = (struct nlattr *)(e + 1);

	memset(h, 0, sizeof(*h) + sizeof(*e));
	h->nlmsg_type = NLMSG_ERROR;
	h->nlmsg_seq = seq;
	h->nlmsg_flags = NLM_F_CAPPED;
	h->nlmsg_len = sizeof(*h) + sizeof(*e);
	e->error = error;
	e->msg.nlmsg_len = 200; /* the request was longer, and is cut off */
	if (text) {
		h->nlmsg_flags |= NLM_F_ACK_TLVS;
		attr->nla_type = NLMSGERR_ATTR_MSG;
		attr->nla_len = (uint16_t)(NLA_HDRLEN + strlen(text) + 1);
		strcpy((char *)(attr + 1), text);
		h->nlmsg_len += NLA_ALIGN(attr->nla_len);
	}
	return at + NLMSG_ALIGN(h->nlmsg_len);
}

static uint8_t *put_object(uint8_t *at, uint32_t seq)
{
	struct nlmsghdr *h = (struct nlmsghdr *)at;

	memset(h, 0, sizeof(*h) + 16);
	h->nlmsg_type = 44;
	h->nlmsg_seq = seq;
	h->nlmsg_len = sizeof(*h) + 16;
	return at + h->nlmsg_len;
}

static size_t conversation(uint8_t *buf)
{
	uint8_t *at = put_error(buf, SEQ, 0, NULL);

	at = put_object(at, SEQ + 1);
	at = put_error(at, SEQ + 1, 0, NULL);
	at = put_error(at, SEQ + 2, -EOPNOTSUPP, "the card says no");
	return (size_t)(put_error(at, SEQ + 3, -EINVAL, NULL) - buf);
}

static void answers_find_their_requests(void)
{
	_Alignas(8) uint8_t buf[1024];
	struct netdev_batch b = batch();

	netdev_batch_take(&b, buf, conversation(buf));
	CU_ASSERT_EQUAL(b.n_done, N);
	CU_ASSERT(answers[0].done && !answers[0].error && !answers[1].error);
	CU_ASSERT_EQUAL(objects[1], 1);
	CU_ASSERT_EQUAL(answers[2].error, -EOPNOTSUPP);
	CU_ASSERT_STRING_EQUAL(answers[2].text, "the card says no");
	CU_ASSERT_EQUAL(answers[3].error, -EINVAL);
	CU_ASSERT_STRING_EQUAL(answers[3].text, "");
}

static void others_are_passed_over(void)
{
	_Alignas(8) uint8_t buf[1024];
	struct netdev_batch b = batch();
	uint8_t *at = put_error(buf, SEQ - 1, 0, NULL);

	at = put_object(at, SEQ + N);
	at = put_error(at, SEQ, -EBUSY, NULL);
	at = put_error(at, SEQ, 0, NULL); /* a second time */
	netdev_batch_take(&b, buf, (size_t)(at - buf));
	CU_ASSERT_EQUAL(b.n_done, 1);
	CU_ASSERT_EQUAL(answers[0].error, -EBUSY);
}

static void a_dump_has_an_end(void)
{
	_Alignas(8) uint8_t buf[1024];
	struct netdev_batch b = batch();
	struct nlmsghdr *h;
	uint8_t *at = put_object(buf, SEQ);
	const int error = -EIO;

	b.n = 1;
	b.dump = true;
	at = put_object(at, SEQ);
	((struct nlmsghdr *)buf)->nlmsg_flags = NLM_F_MULTI | NLM_F_DUMP_INTR;
	h = (struct nlmsghdr *)at;
	*h = (struct nlmsghdr){.nlmsg_type = NLMSG_DONE, .nlmsg_seq = SEQ, .nlmsg_len = 20};
	memcpy(h + 1, &error, sizeof(error));
	netdev_batch_take(&b, buf, (size_t)(at + 20 - buf));
	CU_ASSERT_EQUAL(objects[0], 2);
	CU_ASSERT_EQUAL(b.n_done, 1);
	CU_ASSERT_EQUAL(answers[0].error, -EIO);
	CU_ASSERT(b.interrupted);
}

/* Cut off anywhere, or with a bit turned: no more than what is there is read. The buffer is as
 * long as the datagram, so that a sanitizer sees the rest. */
static void damage_is_harmless(void)
{
	_Alignas(8) uint8_t whole[1024];
	const size_t len = conversation(whole);

	for (unsigned i = 0; i < 20000; i++) {
		const size_t n = 1 + test_rand() % len;
		struct netdev_batch b = batch();
		uint8_t *buf = malloc(n);

		memcpy(buf, whole, n);
		buf[test_rand() % n] ^= (uint8_t)(1u << test_rand() % 8);
		netdev_batch_take(&b, buf, n);
		CU_ASSERT(b.n_done <= N);
		free(buf);
	}
}

void add_answer_suite(void)
{
	CU_pSuite s = CU_add_suite("answers", NULL, NULL);

	CU_add_test(s, "find their requests", answers_find_their_requests);
	CU_add_test(s, "others are passed over", others_are_passed_over);
	CU_add_test(s, "a dump has an end", a_dump_has_an_end);
	CU_add_test(s, "damage is harmless", damage_is_harmless);
}
