/* SPDX-License-Identifier: Apache-2.0
 *
 * Action programs as the actions of a TC filter (linux/pkt_cls.h, linux/tc_act/).
 *
 * What: a program becomes a list of mirred, vlan, pedit with csum, police, and gact actions, each
 * of which passes the packet on but the last; and back. What TC has no action for is a refusal that
 * names the step.
 *
 * What the kernel's actions cannot do, and hardware can:
 *   - act_pedit takes what follows the outermost tag for the network header. So packets that came
 *     with two tags keep their network headers.
 *   - of some kernels it takes the network header for the transport header (probe.c).
 *   - in another chain a packet's bytes are counted as it came, less its outermost tag. So packets
 *     whose length has changed otherwise do not go there.
 *
 * Thread-safety: pure functions.
 */
#ifndef SLUICE_DRIVERS_TC_ACTION_H
#define SLUICE_DRIVERS_TC_ACTION_H

#include <netlink/attr.h>
#include <netlink/msg.h>

#include "hal/reason.h"
#include "hal/rule.h"

#define TC_MAX_ACTIONS 32        /* of one filter: TCA_ACT_MAX_PRIO */
#define TC_MAX_CHAIN 0x0fffffffu /* that an action can name: TC_ACT_EXT_VAL_MASK */
#define TC_COOKIE_LEN 16         /* TC_COOKIE_MAX_SIZE: it is the ufid, as it is printed */

static inline void tc_ufid_to_cookie(const struct hal_ufid *ufid, uint8_t cookie[TC_COOKIE_LEN])
{
	for (unsigned i = 0; i < TC_COOKIE_LEN; i++)
		cookie[i] = (uint8_t)(ufid->u[i / 8] >> (56 - i % 8 * 8));
}

static inline void tc_ufid_from_cookie(const uint8_t cookie[TC_COOKIE_LEN], struct hal_ufid *ufid)
{
	*ufid = (struct hal_ufid){{0, 0}};
	for (unsigned i = 0; i < TC_COOKIE_LEN; i++)
		ufid->u[i / 8] = ufid->u[i / 8] << 8 | cookie[i];
}

/* What encoding and decoding have to know of the device. */
struct tc_action_env {
	/* The netdev of a datapath port, 0: not bound. */
	uint32_t (*ifindex)(void *ctx, uint32_t port);
	uint32_t (*port)(void *ctx, uint32_t ifindex); /* and back: 0 */
	void *ctx;
	/* The index of a meter's policer, 0: it has none; and the meter of one: 0 or -ENOENT. */
	uint32_t (*policer)(const void *meters, uint32_t id);
	int (*meter)(const void *meters, uint32_t index, uint32_t *id);
	const void *meters;
	bool by_kernel;        /* the kernel itself may have to run it */
	bool writes_transport; /* and finds transport headers */
};

/* Appends TCA_FLOWER_ACT with the rule's program to the attribute that is open in `msg`. 0,
 * -EOPNOTSUPP with `r`, or -ENOMEM if the message is full. */
int tc_actions_encode(struct nl_msg *msg, const struct hal_rule *rule,
	const struct tc_action_env *env, struct hal_reason *r);

/* The program of a filter with this match, from its TCA_FLOWER_ACT. Steps of equal effect may
 * stand for those that were encoded. 0, -ENOMEM, or -EINVAL if it is none that
 * tc_actions_encode() writes. */
int tc_actions_decode(struct nlattr *list, const struct hal_match *m,
	const struct tc_action_env *env, struct hal_program **out);

#endif
