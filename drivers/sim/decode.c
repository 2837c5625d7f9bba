/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/sim/codec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/sim/wire.h"

static int decode_match(const uint8_t *p, size_t len, struct hal_match *m)
{
	struct sim_tlv tlv;

	memset(m, 0, sizeof(*m));
	while (len) {
		if (len < sizeof(tlv))
			return -EBADMSG;
		memcpy(&tlv, p, sizeof(tlv));
		p += sizeof(tlv);
		len -= sizeof(tlv);
		if (tlv.type >= FIELD_MAX || tlv.len != hal_field_bytes(tlv.type) ||
			len < 2u * tlv.len || !hal_field_is_dp(tlv.type))
			return -EBADMSG;
		hal_match_set(m, tlv.type, p, p + tlv.len);
		p += 2 * tlv.len;
		len -= 2u * tlv.len;
	}
	return 0;
}

int sim_rule_decode(const void *buf, size_t n, struct hal_rule *rule, struct hal_cmatch **match,
	struct hal_program **program)
{
	const uint8_t *tlvs = (const uint8_t *)buf + sizeof(struct sim_rule);
	struct hal_builder b;
	struct sim_rule head;
	struct hal_match m;
	int err;

	if (n < sizeof(head))
		return -EBADMSG;
	memcpy(&head, buf, sizeof(head));
	n -= sizeof(head);
	if (head.match_len > n || head.action_len > n - head.match_len)
		return -EBADMSG;
	err = decode_match(tlvs, head.match_len, &m);
	if (err)
		return err;
	*match = hal_cmatch_new(&m);
	if (!*match)
		return -ENOMEM;
	hal_builder_init(&b);
	err = sim_get_steps(&b, tlvs + head.match_len, head.action_len);
	if (err)
		goto clear_builder;
	*program = hal_builder_finish(&b);
	if (!*program) {
		err = b.error ? b.error : -ENOMEM;
		goto clear_builder;
	}
	*rule = (struct hal_rule){.ufid = head.ufid,
		.match = *match,
		.program = *program,
		.chain = head.chain,
		.priority = head.priority};
	return (int)(sizeof(head) + head.match_len + head.action_len);

clear_builder:
	hal_builder_clear(&b);
	free(*match);
	*match = NULL;
	return err;
}
