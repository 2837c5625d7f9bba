/* SPDX-License-Identifier: Apache-2.0
 *
 * Table and port statistics (OpenFlow 1.0, 5.3.5; OpenFlow 1.3 and 1.4, 7.3.5.4 and 7.3.5.6).
 */
#include "ofctl/openflow/codec.h"

#include "ofctl/openflow/wire.h"

#define UNKNOWN UINT64_MAX

#define PROP_ETHERNET 0 /* property of 1.4 */
#define ETHERNET_LEN 40

void of_table_stats_encode(struct of_buf *b, uint8_t version, const struct of_table_stats *ts)
{
	of_put_u8(b, ts->table);
	of_put_zeros(b, 3);
	if (version == OFP10) {
		of_put_text(b, ts->name, 32);
		of_put_u32(b, OFPFW_ALL);
		of_put_u32(b, ts->max_entries);
	}
	of_put_u32(b, ts->active);
	of_put_u64(b, ts->lookups);
	of_put_u64(b, ts->matched);
}

void of_port_stats_encode(struct of_buf *b, uint8_t version, const struct of_port_stats *ps)
{
	size_t start = b->len;

	if (version >= OFP14)
		of_put_zeros(b, 4); /* length and padding */
	of_put_port(b, version, ps->number);
	if (version >= OFP14)
		of_put_duration(b, ps->duration_ns);
	else
		of_put_zeros(b, version == OFP10 ? 6 : 4);
	of_put_u64(b, ps->rx_packets);
	of_put_u64(b, ps->tx_packets);
	of_put_u64(b, ps->rx_bytes);
	of_put_u64(b, ps->tx_bytes);
	of_put_u64(b, ps->rx_dropped);
	of_put_u64(b, ps->tx_dropped);
	of_put_u64(b, ps->rx_errors);
	of_put_u64(b, ps->tx_errors);
	if (version >= OFP14) {
		of_put_u16(b, PROP_ETHERNET);
		of_put_u16(b, ETHERNET_LEN);
		of_put_zeros(b, 4);
	}
	of_put_u64(b, UNKNOWN); /* frame alignment errors */
	of_put_u64(b, UNKNOWN); /* overruns */
	of_put_u64(b, UNKNOWN); /* CRC errors */
	of_put_u64(b, UNKNOWN); /* collisions */
	if (version >= OFP14)
		of_set_u16(b, start, b->len - start);
	else if (version != OFP10)
		of_put_duration(b, ps->duration_ns);
}
