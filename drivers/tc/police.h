/* SPDX-License-Identifier: Apache-2.0
 *
 * A meter as TC's actions (linux/pkt_cls.h, TCA_POLICE_*).
 *
 * What: a meter is a policer that stands alone under an index of ours, so that filters share it.
 * What conforms goes on, what exceeds is dropped. Where the kernel runs it there is a second action
 * under the same index behind it, which does nothing but count what went on: a policer does not
 * count the bytes that it drops. Whose they are says their cookie.
 *
 * A policer is a token bucket, as a band is. What differs:
 *
 *   - it has one rate, and drops: one band of type DROP;
 *   - its bucket is a time in ticks of 64 ns, in 32 bits: 274 s at its rate;
 *   - the kernel reckons with whole nanoseconds, so that at high rates short packets are cheaper;
 *   - the kernel's packets are bytes for it, as many for each (police.c);
 *   - the kernel leaves out the Ethernet header and the outermost tag of the packet as it came.
 *     That is made up for by the policer's overhead, which is one for all of its filters;
 *   - cards reckon with whole frames, and with buckets of bytes in 32 bits.
 *
 * Thread-safety: pure functions.
 */
#ifndef SLUICE_DRIVERS_TC_POLICE_H
#define SLUICE_DRIVERS_TC_POLICE_H

#include <netlink/attr.h>
#include <netlink/msg.h>

#include "hal/object.h"
#include "hal/reason.h"

#define TC_METER_INDEX 0x5c000000u /* of the first policer */
#define TC_MAX_METERS (1u << 16)

struct tc_policer {
	bool pktps;
	uint64_t rate;  /* bytes or packets a second */
	uint64_t ticks; /* that it takes to fill the bucket */
};

/* What a meter is in TC. 0, or -EOPNOTSUPP with `r`. */
int tc_police_make(
	const struct hal_meter *m, bool by_kernel, struct tc_policer *out, struct hal_reason *r);

/* Whose actions under an index are. */
struct tc_police_owner {
	uint32_t instance, meter;
};

/* A request to make them or, with NLM_F_REPLACE, to change them; NULL without memory. */
struct nl_msg *tc_police_new(int flags, uint32_t index, const struct tc_police_owner *owner,
	const struct tc_policer *p, bool by_kernel, unsigned overhead);
/* RTM_GETACTION or RTM_DELACTION of these parts of them. */
#define TC_POLICER 1u
#define TC_COUNTER 2u
struct nl_msg *tc_police_request(int type, uint32_t index, unsigned parts);
/* A dump of all policers. */
struct nl_msg *tc_police_dump(void);

/* What an action of a filter says that stands for the policer; -ENOMEM if the message is full. */
int tc_police_put(struct nl_msg *msg, uint32_t index);
/* The index of the policer in it, 0: it is none that has an index of ours. */
uint32_t tc_police_get(struct nlattr *options);

/* What the kernel tells of an action that stands alone. */
struct tc_standing {
	bool polices; /* else it counts what went on */
	bool has_owner;
	uint32_t index;
	uint32_t bound; /* filters that use it */
	struct tc_police_owner owner;
	uint64_t packets, bytes, dropped;
};

/* Calls back with each in the message that has an index of ours. */
void tc_standing_take(
	struct nlmsghdr *h, void (*found)(void *ctx, const struct tc_standing *s), void *ctx);

#endif
