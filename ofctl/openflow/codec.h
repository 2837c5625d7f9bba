/* SPDX-License-Identifier: Apache-2.0
 *
 * Messages between wire and version-neutral form.
 *
 * What: a decoder and an encoder for each thing that messages are made of. Decoders take a reader
 * over exactly the bytes in question and return an enum of_error; on an error what they return
 * owns nothing. Encoders append; what a version cannot say is left out or said with the nearest
 * extension. `version` is a wire version (wire.h), already negotiated.
 * Thread-safety: the functions touch only their arguments.
 */
#ifndef SLUICE_OFCTL_OPENFLOW_CODEC_H
#define SLUICE_OFCTL_OPENFLOW_CODEC_H

#include "ofctl/openflow/buf.h"
#include "ofctl/openflow/message.h"
#include "swpath/conntrack.h"

/* ---- headers (codec.c) ---- */

/* Starts a message; of_end() fills in its length. Returns where it starts. */
size_t of_begin(struct of_buf *b, uint8_t version, uint8_t type, uint32_t xid);
size_t of_begin_nicira(struct of_buf *b, uint8_t version, uint32_t xid, uint32_t subtype);
void of_end(struct of_buf *b, size_t start);

/* Port numbers of 16 bits (1.0, NXM). */
uint32_t of_port_from16(uint16_t port);
uint16_t of_port_to16(uint32_t port);

/* ---- matches (oxm.c, oxm_put.c, match10.c) ---- */

enum of_oxm_form {
	OF_OXM_13, /* OXM, in NXM's classes what 1.3 has no OXM for */
	OF_OXM_15, /* the same with 1.5's fields */
	OF_OXM_NX, /* nx_match: NXM's classes first */
};

/* How a version from 1.3 on says fields. */
enum of_oxm_form of_oxm_form(uint8_t version);

/* One OXM or NXM header. */
struct of_oxm {
	enum hal_field_id field; /* FIELD_INVALID: unknown */
	bool cookie;             /* NXM_NX_COOKIE */
	bool has_mask;
	bool nxm;       /* of NXM's classes: a port number has 16 bits */
	uint8_t len;    /* of the payload, mask included */
	uint8_t width;  /* of a value on the wire; 0 if the field is unknown, or an option of a
			 * tunnel that the TLV table does not have */
	uint8_t option; /* FIELD_TUN_METADATA: which */
};

/* Reads a header (and an experimenter's id). False if bytes ran out. */
bool of_oxm_get_header(struct of_rd *r, struct of_oxm *h);
void of_oxm_put_header(
	struct of_buf *b, enum of_oxm_form form, enum hal_field_id field, bool has_mask);
/* Header, value and (if not NULL) mask; both in hal_field_bytes(). */
void of_oxm_put(struct of_buf *b, enum of_oxm_form form, enum hal_field_id field,
	const uint8_t *value, const uint8_t *mask);

/* Wire value (h->width bytes) to hal_field_bytes() bytes. False if bits are set that the field
 * does not have. */
bool of_oxm_value(const struct of_oxm *h, const uint8_t *wire, uint8_t *value);

/* Checks a field's exact value beyond its width: VLAN ids, port numbers. */
bool of_oxm_value_ok(enum hal_field_id field, const uint8_t *value);

/* Fields of a match, without type, length and padding. Cookie pointers may be NULL: then a cookie
 * is an unknown field. */
enum of_error of_oxm_decode(
	struct of_rd r, struct hal_match *m, uint64_t *cookie, uint64_t *cookie_mask);
void of_oxm_encode(struct of_buf *b, enum of_oxm_form form, const struct hal_match *m);

/* struct ofp_match of 1.3 with padding. */
enum of_error of_match13_decode(struct of_rd *r, struct hal_match *m);
void of_match13_encode(struct of_buf *b, uint8_t version, const struct hal_match *m);

/* nx_match of `len` bytes with padding. */
enum of_error of_nxm_decode(
	struct of_rd *r, size_t len, struct hal_match *m, uint64_t *cookie, uint64_t *cookie_mask);

/* The same; its length, without padding, is put at `len_at`. */
void of_nxm_encode(struct of_buf *b, size_t len_at, const struct hal_match *m);

/* struct ofp_match of 1.0, 40 bytes. Fields whose prerequisite is missing are ignored. */
enum of_error of_match10_decode(struct of_rd *r, struct hal_match *m);
void of_match10_encode(struct of_buf *b, const struct hal_match *m);

/* ---- actions (actions10.c, actions13.c, actions_nx.c) and instructions ---- */

/* Decodes all of `r`. `match` (may be NULL) tells 1.0's transport port actions which protocol. */
enum of_error of_actions_decode(uint8_t version, struct of_rd r, const struct hal_match *match,
	struct of_actions *acts, struct of_instructions *ins);
void of_actions_encode(struct of_buf *b, uint8_t version, const struct of_actions *acts);

enum of_error of_instructions_decode(struct of_rd r, uint8_t version, struct of_instructions *ins);
void of_instructions_encode(struct of_buf *b, uint8_t version, const struct of_instructions *ins);

/* 1.0: instructions as a list of actions, in the form that stock tools read. */
void of_instructions_encode10(struct of_buf *b, const struct of_instructions *ins);

/* ---- flow-mod (flow_mod.c) ---- */

/* Bodies, without header. `table_ids`: the 1.0 extension is on. */
enum of_error of_flow_mod10_decode(struct of_rd r, bool table_ids, struct of_flow_mod *fm);
enum of_error of_flow_mod13_decode(struct of_rd r, uint8_t version, struct of_flow_mod *fm);
enum of_error of_flow_mod_nx_decode(struct of_rd r, bool table_ids, struct of_flow_mod *fm);

/* Whole messages, for clients and tests. */
void of_flow_mod_encode(
	struct of_buf *b, uint8_t version, uint32_t xid, const struct of_flow_mod *fm);

/* ---- statistics (stats_*.c) ---- */

/* A multipart request's or reply's header. */
size_t of_begin_multipart(struct of_buf *b, uint8_t version, uint32_t xid, uint16_t type);

enum of_error of_flow_filter_decode(struct of_rd r, uint8_t version, struct of_flow_filter *f);
enum of_error of_flow_filter_nx_decode(struct of_rd r, struct of_flow_filter *f);
void of_flow_stats_encode(struct of_buf *b, uint8_t version, const struct of_flow_stats *fs);
void of_flow_stats_nx_encode(struct of_buf *b, const struct of_flow_stats *fs);
/* 1.5's flow statistics, which do not describe the flow (oxs.c). */
void of_flow_counts_encode(struct of_buf *b, const struct of_flow_stats *fs);

struct of_aggregate {
	uint64_t packets, bytes; /* UINT64_MAX: unknown */
	uint32_t flows;
};
void of_aggregate_add(struct of_aggregate *agg, const struct of_flow_stats *fs);
void of_aggregate_encode(struct of_buf *b, uint8_t version, const struct of_aggregate *agg);

void of_table_stats_encode(struct of_buf *b, uint8_t version, const struct of_table_stats *ts);
void of_port_stats_encode(struct of_buf *b, uint8_t version, const struct of_port_stats *ps);
void of_table_features_encode(struct of_buf *b, uint8_t version, const struct of_table_stats *ts);

/* ---- flow monitors (flow_monitor.c) ---- */

/* What they want; numbers are 1.4's (7.3.5.17.1). */
enum {
	OF_MONITOR_INITIAL = 1 << 0,
	OF_MONITOR_ADDED = 1 << 1,
	OF_MONITOR_REMOVED = 1 << 2,
	OF_MONITOR_MODIFIED = 1 << 3,
	OF_MONITOR_INSTRUCTIONS = 1 << 4,
	OF_MONITOR_NO_ABBREV = 1 << 5, /* what its own connection changed in full, too */
	OF_MONITOR_ONLY_OWN = 1 << 6,  /* nothing that others changed */
};
enum of_monitor_command { OF_MONITOR_ADD, OF_MONITOR_MODIFY, OF_MONITOR_DELETE };

struct of_monitor_request {
	enum of_monitor_command command;
	uint32_t id;
	uint16_t flags;
	struct of_flow_filter filter; /* without cookie */
};

/* Takes one request of those that a body is made of. */
enum of_error of_monitor_decode(struct of_rd *r, uint8_t version, struct of_monitor_request *m);

/* Entries of replies: a change with instructions or without, and one that stands for all that the
 * sender's own flow-mod changed. */
void of_flow_change_encode(
	struct of_buf *b, uint8_t version, const struct of_flow_change *c, bool instructions);
void of_flow_abbrev_encode(struct of_buf *b, uint8_t version, uint32_t xid);
/* A whole message: monitoring pauses, or goes on. */
void of_monitor_pause_encode(struct of_buf *b, uint8_t version, bool paused);

/* ---- groups (group.c) and meters (meter.c): from 1.3 on ---- */

/* Bodies. What gm->group owns is the caller's. */
enum of_error of_group_mod_decode(struct of_rd r, uint8_t version, struct of_group_mod *gm);
enum of_error of_group_mod15_decode(
	struct of_rd r, uint8_t version, struct of_group_mod *gm); /* group15.c */
enum of_error of_meter_mod_decode(struct of_rd r, struct of_meter_mod *mm);

/* Whole messages, for clients and tests. */
void of_group_mod_encode(
	struct of_buf *b, uint8_t version, uint32_t xid, const struct of_group_mod *gm);
void of_group_mod15_encode(
	struct of_buf *b, uint8_t version, uint32_t xid, const struct of_group_mod *gm);
void of_meter_mod_encode(struct of_buf *b, uint32_t xid, const struct of_meter_mod *mm);

/* Entries of multipart replies. */
void of_group_desc_encode(struct of_buf *b, uint8_t version, const struct of_group *g);
void of_group_desc15_encode(struct of_buf *b, uint8_t version, const struct of_group *g);
void of_group_stats_encode(struct of_buf *b, const struct of_group_stats *gs);
void of_group_features_encode(struct of_buf *b, uint8_t version, uint32_t max_groups);

/* Appends a bucket to a group: GROUP_OUT_OF_BUCKETS if memory ran out. */
enum of_error of_group_add_bucket(struct of_group *g, const struct of_bucket *b);
void of_meter_config_encode(struct of_buf *b, const struct of_meter_stats *ms);
void of_meter_stats_encode(struct of_buf *b, const struct of_meter_stats *ms);
void of_meter_features_encode(struct of_buf *b, uint32_t max_meters);

/* ---- ports (port.c) ---- */

void of_port_desc_encode(struct of_buf *b, uint8_t version, const struct of_port_desc *p);
void of_port_status_encode(
	struct of_buf *b, uint8_t version, enum of_port_reason why, const struct of_port_desc *p);
enum of_error of_port_mod_decode(struct of_rd r, uint8_t version, struct of_port_mod *pm);

/* A port number of either width: 16 bits in 1.0. */
uint32_t of_get_port(struct of_rd *r, uint8_t version);
void of_put_port(struct of_buf *b, uint8_t version, uint32_t port);

/* ---- packets (packet_in.c, packet_out.c, flow_removed.c) ---- */

/* Whole messages. `format`: NX_PACKET_IN_*; `nxm`: in Nicira's form (1.0 only). */
void of_packet_in_encode(
	struct of_buf *b, uint8_t version, uint8_t format, const struct of_packet_in *pin);
void of_flow_removed_encode(
	struct of_buf *b, uint8_t version, bool nxm, const struct of_flow_removed *fr);

/* 1.0 and 1.3 know three reasons; what 1.4 tells apart is an action in them. */
uint8_t of_packet_in_reason_to(uint8_t version, enum of_packet_in_reason reason);
/* A version says of what it has no reason for that the flow was deleted. */
uint8_t of_removed_reason_to(uint8_t version, enum of_removed_reason reason);

/* NXT_PACKET_IN2 (packet_in_nx.c): `fields` is what is told of the pipeline. */
void of_packet_in2_encode(struct of_buf *b, uint8_t version, uint8_t reason,
	const struct hal_match *fields, const struct of_packet_in *pin);

/* Body of NXT_RESUME. Packet and continuation stay the reader's; pipeline fields are in `fields`.
 */
enum of_error of_resume_decode(struct of_rd r, struct hal_match *fields, struct of_resume *res);

/* Takes a property: type, length, value, padding. False if it is cut off. */
bool of_get_property(struct of_rd *r, uint16_t *type, struct of_rd *value);

/* Body of NXT_CT_FLUSH (serve_ct.c). */
enum of_error of_ct_flush_decode(struct of_rd r, struct conntrack_match *m);

/* Body. The packet's bytes stay the reader's. */
enum of_error of_packet_out_decode(struct of_rd r, uint8_t version, struct of_packet_out *po);

/* ---- hello (hello.c) ---- */

void of_hello_encode(struct of_buf *b, uint32_t versions, uint32_t xid);
/* The versions (bit 1 << wire version) that a hello offers. */
enum of_error of_hello_decode(const uint8_t *msg, size_t len, uint32_t *versions);

#endif
