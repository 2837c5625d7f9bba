/* SPDX-License-Identifier: Apache-2.0
 *
 * Multipart replies longer than a message.
 */
#include "ofctl/openflow/conn.h"

#include <stdlib.h>
#include <string.h>

static void begin(struct of_reply *rep)
{
	rep->start = of_begin_multipart(&rep->b, rep->conn->version, rep->xid, rep->type);
	if (rep->type == OFPMP_EXPERIMENTER) {
		bool v10 = rep->conn->version == OFP10;

		of_put_u32(&rep->b, v10 ? EXP_NICIRA : EXP_ONF);
		of_put_u32(&rep->b, rep->exp_type);
		if (v10)
			of_put_zeros(&rep->b, 4);
	}
	rep->entry = rep->b.len;
}

void of_reply_begin_xid(
	struct of_reply *rep, struct of_conn *conn, uint32_t xid, uint16_t type, uint32_t exp_type)
{
	*rep = (struct of_reply){
		.conn = conn,
		.xid = xid,
		.type = type,
		.exp_type = exp_type,
	};
	begin(rep);
}

void of_reply_begin(struct of_reply *rep, struct of_conn *conn, const uint8_t *msg, uint16_t type,
	uint32_t exp_type)
{
	of_reply_begin_xid(rep, conn, of_msg_xid(msg), type, exp_type);
}

void of_reply_entry(struct of_reply *rep)
{
	size_t n = rep->b.len - rep->entry;
	uint8_t *copy;

	if (rep->b.failed || rep->b.len - rep->start <= UINT16_MAX) {
		rep->entry = rep->b.len;
		return;
	}
	/* The entry goes into a message of its own, after one that says that more will come. */
	copy = malloc(n);
	if (!copy) {
		rep->b.failed = true;
		return;
	}
	memcpy(copy, rep->b.data + rep->entry, n);
	of_buf_cut(&rep->b, rep->entry);
	of_set_u16(&rep->b, rep->start + OFP_HEADER_LEN + 2, OFPMPF_MORE);
	of_end(&rep->b, rep->start);
	begin(rep);
	of_put_bytes(&rep->b, copy, n);
	rep->entry = rep->b.len;
	free(copy);
}

void of_reply_end(struct of_reply *rep)
{
	of_end(&rep->b, rep->start);
	of_conn_send(rep->conn, &rep->b);
}
