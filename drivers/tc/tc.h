/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside the TC driver.
 *
 * What: a device is the traffic control of one network namespace, under one policy. A rule is a
 * flower filter at the ingress of the netdev that its match names as input port. Where a filter
 * lies follows from its rule:
 *
 *   chain    the rule's chain
 *   prio     TC_PRIO and the slot of the protocol that flower has to be told (filter.c)
 *   handle   TC_HANDLE with a number of ours
 *   cookie   of every action: the ufid
 *
 * Meters are policers that stand alone, under indexes of ours (meter.c).
 *
 * Each bound netdev carries a marker: a filter at a place of its own whose cookie says whose the
 * netdev's filters are, and which port it is. So a daemon that starts finds in the kernel alone
 * what a former one left, and nobody else's filters are ever taken for ours.
 *
 * What no rule takes: under skip_sw only that reaches the netdev at all. Otherwise packet sockets
 * and TC both see every packet, so the marker is also a rule that comes last and redirects to a
 * netdev of ours, which the software path reads instead (miss.c).
 *
 * Bonds: a bond is no netdev of a card, so the kernel tells cards of its filters indirectly, and
 * does not take skip_sw there. Under skip_sw its filters go in without it, and one that no card
 * took is taken back: it is the kernel's, too, for the packets that reach it.
 *
 * Threads: everything by the device's thread.
 */
#ifndef SLUICE_DRIVERS_TC_TC_H
#define SLUICE_DRIVERS_TC_TC_H

#include <net/if.h>
#include <string.h>

#include "drivers/netdev/netdev.h"
#include "drivers/tc/action.h"
#include "drivers/tc/flower.h"
#include "hal/base/hmap.h"
#include "hal/hal_driver.h"

#define TC_PRIO 2u              /* of the first slot; cards know few priorities */
#define TC_HANDLE 0x5c000000u   /* upper byte of our handles */
#define TC_MAX_RULES (1u << 20) /* lower bits of a handle */
#define TC_RULE_PRIORITY 1u     /* of every rule: megaflows of a chain share one */
#define TC_LINK_HEADER 14u      /* bytes that the kernel does not count */
#define TC_TAG 4u               /* nor these, of the outermost tag */

enum tc_policy { TC_POLICY_NONE, TC_POLICY_SKIP_SW, TC_POLICY_SKIP_HW };

/* Where a filter lies. */
struct tc_place {
	uint32_t ifindex, chain, handle;
	uint16_t prio;
	rte_be16_t protocol;
};

struct tc_rule {
	struct hmap_node node;      /* in tc_dev.rules, by ufid */
	struct hmap_node by_handle; /* in tc_dev.handles */
	struct hal_ufid ufid;
	struct tc_place place;
	unsigned uncounted; /* bytes of each packet that the kernel does not count */
	uint32_t generation;
	uint64_t packets, bytes; /* as last read */
	bool pending;            /* in the batch that is being made */
	bool leaving;            /* the kernel would not delete its filter: it is asked again */
	uint64_t leaving_token;  /* of the operation that waits for that */
	/* A program that is read back as another one of the same effect; else both are NULL. */
	struct hal_program *program, *canonical;
	uint32_t *meters, n_meters; /* indexes of the policers that it uses */
};

struct tc_port {
	struct hmap_node by_id, by_ifindex;
	uint32_t id, ifindex;
	char name[IFNAMSIZ];
	struct netdev_switch_id switch_id; /* len 0: not a port of a switch */
	bool indirect;                     /* no netdev of a card, but one that cards are told of */
	bool qdisc_is_ours;
	struct netdev_miss miss;
	struct hal_port_stats base; /* what the netdev had counted when it was bound */
};

struct tc_dev {
	enum tc_policy policy;
	uint32_t instance; /* tells daemons apart that share a namespace */
	bool writes_transport;
	struct netdev_channel *ch;
	struct hmap ports, ports_by_ifindex;
	struct hmap rules, handles;
	struct tc_dump *dump; /* dump.c's */
	uint8_t *used;        /* a bit for each number of a handle */
	uint32_t next;        /* number to try first */
	uint32_t n_used;
	uint32_t generation;
	uint64_t hits; /* packets that rules were seen to take */
	struct hmap meters, meters_by_index;
	uint32_t n_ending;   /* of them that wait to be deleted */
	uint32_t next_meter; /* index to try first */
	uint32_t batch;      /* number of the one that is being made */
	struct hal_completion *done;
	unsigned n_done, cap_done, first_done;
	unsigned n_leaving;  /* rules */
	uint64_t leave_next; /* when they are asked for again, in ms */
	struct hal_env env;
};

extern const struct hal_driver tc_driver;

/* 0 or -errno with `r`; `env` may be NULL. What is in the kernel stays there. */
int tc_device_new(enum tc_policy policy, const struct hal_env *env, struct tc_dev **out,
	struct hal_reason *r);
void tc_device_free(struct tc_dev *dev);

/* ---- probe.c ---- */

/* Whether the kernel finds transport headers to write to them. Any thread. */
bool tc_probe_transport(void);

/* ---- filter.c: filters as messages ---- */

/* What the kernel tells of a filter. Borrows from the message. */
struct tc_filter {
	struct tc_place place;
	struct nlattr *keys[TCA_FLOWER_MAX + 1];
	struct hal_ufid ufid;
	uint8_t cookie[TC_COOKIE_LEN];
	bool has_cookie;
	uint32_t flags; /* TCA_CLS_FLAGS_* */
	uint64_t packets, bytes, hw_packets, hw_bytes;
};

/* A request about a filter, NULL without memory. */
struct nl_msg *tc_filter_request(int type, int flags, const struct tc_place *place);

/* The place and the message that puts a rule in. The handle is left to the caller
 * (tc_filter_set_handle()). `flags` 0: it is only to be looked at, and the meters that it names
 * need not be there. 0, -ENOMEM, or -errno with `r`. */
int tc_filter_make(struct tc_dev *dev, const struct hal_rule *rule, int flags,
	struct tc_place *place, struct nl_msg **msg, struct hal_reason *r);
void tc_filter_set_handle(struct nl_msg *msg, uint32_t handle);

/* A flower filter's description. -EINVAL: it is another kind, or broken. */
int tc_filter_parse(struct nlmsghdr *h, struct tc_filter *f);

/* What a filter's flags say of the device's policy, at a port. */
uint32_t tc_filter_policy(const struct tc_dev *dev, const struct tc_port *in, bool metered);

/* Asks for all filters at the ingress of a netdev, whosever they are; NULL without memory. */
struct nl_msg *tc_filter_dump_request(uint32_t ifindex);
/* Calls back with them. 0, -EINTR if they changed meanwhile, or -errno. */
int tc_filter_dump(struct tc_dev *dev, uint32_t ifindex,
	int (*found)(void *ctx, unsigned i, struct nlmsghdr *h), void *ctx);

/* Bytes of each packet of the match that the kernel does not count. */
unsigned tc_uncounted(const struct hal_cmatch *match);

/* What TCA_ACT_STATS says, nothing if it is not there. */
void tc_stats_take(struct nlattr *attr, uint64_t *packets, uint64_t *bytes);

/* Whether a flower filter there would be a rule of ours. */
bool tc_place_is_ours(const struct tc_place *place);

/* The prio of rules whose filters are for this protocol. */
uint16_t tc_filter_prio(rte_be16_t protocol);

/* ---- env.c: ports and meters as actions see them ---- */

void tc_env(struct tc_dev *dev, struct tc_action_env *env);

/* ---- book.c: the rules that are in the kernel ---- */

struct tc_rule *tc_rule_find(const struct tc_dev *dev, const struct hal_ufid *ufid);
struct tc_rule *tc_rule_at(const struct tc_dev *dev, const struct tc_place *place);
/* A new one with a number of its own, or NULL: no memory or no number left. */
struct tc_rule *tc_rule_new(struct tc_dev *dev, const struct hal_ufid *ufid);
/* One that was found in the kernel, or NULL. */
struct tc_rule *tc_rule_found(
	struct tc_dev *dev, const struct hal_ufid *ufid, const struct tc_place *place);
void tc_number_free(struct tc_dev *dev, uint32_t handle); /* it was not the number's fault */
void tc_rule_drop(struct tc_dev *dev, struct tc_rule *rule);
/* Keeps what is needed to know the rule's program again (canonical.c). */
void tc_rule_remember(struct tc_dev *dev, struct tc_rule *rule, const struct hal_rule *as);
void tc_rules_clear(struct tc_dev *dev);

/* A reading of its filter: 0s if the filter is gone, and `known` is false. */
void tc_rule_count(struct tc_dev *dev, struct tc_rule *rule, const struct tc_filter *f,
	struct hal_raw_counter *out);

/* As dumped: what a dump brings may have been read before what was last counted, and is left then.
 */
void tc_rule_count_late(struct tc_dev *dev, struct tc_rule *rule, const struct tc_filter *f,
	struct hal_raw_counter *out);

/* The same under another number, since somebody else's filter has its own. It is gone in any case;
 * NULL: there is no memory or no number. */
struct tc_rule *tc_rule_elsewhere(struct tc_dev *dev, struct tc_rule *rule);

/* ---- ops.c, query.c, dump.c ---- */

int tc_check(void *dev, const struct hal_rule *rule, struct hal_reason *r);
int tc_submit(void *dev, struct hal_op *ops, unsigned n);
int tc_poll(void *dev, struct hal_completion *out, unsigned max);
int tc_counters_read(
	void *dev, const struct hal_ufid *ufids, unsigned n, struct hal_raw_counter *out);
int tc_stats(void *dev, struct hal_device_stats *out);
int tc_dump(void *dev, uint64_t *at, unsigned max, hal_dump_cb *cb, void *ctx);
int tc_dump_open(struct tc_dev *dev); /* 0 or -errno */
void tc_dump_close(struct tc_dev *dev);

/* ---- ports.c ---- */

int tc_port_bind(
	void *dev, uint32_t port, const struct hal_port_handle *handle, struct hal_reason *r);
int tc_port_unbind(void *dev, uint32_t port);
int tc_port_stats(void *dev, uint32_t port, struct hal_port_stats *out);
int tc_port_miss(void *dev, uint32_t port, struct hal_port_handle *out);
/* Sees to it that each still has its marker, without which nothing of it is ours. */
void tc_ports_mend(struct tc_dev *dev);
/* Whether packets of the port can come to rules that the kernel runs. */
bool tc_port_by_kernel(const struct tc_dev *dev, const struct tc_port *port);
struct tc_port *tc_port_by_id(const struct tc_dev *dev, uint32_t id);
struct tc_port *tc_port_by_ifindex(const struct tc_dev *dev, uint32_t ifindex);
void tc_ports_forget(struct tc_dev *dev); /* takes a former run's away, from all netdevs */
void tc_ports_close(struct tc_dev *dev);  /* filters stay */

/* ---- bond.c ---- */

/* The switch that the members of a bond are ports of, or why there is none. */
struct tc_members {
	unsigned n;
	struct netdev_switch_id switch_id; /* of the first */
	char first[IFNAMSIZ];
	char other[IFNAMSIZ];   /* one that is a port of another switch, or "" */
	char no_port[IFNAMSIZ]; /* one that is no port of a switch, or "" */
};

void tc_members_add(struct tc_members *m, const struct netdev_link *member);
/* Their switch. 0, or -EOPNOTSUPP with a reason that names who is in the way. */
int tc_members_switch(const struct tc_members *m, const char *bond, struct netdev_switch_id *out,
	struct hal_reason *r);

/* The same, as the kernel tells it now. 0 or -errno with a reason; then out->len is 0. */
int tc_bond_switch(struct tc_dev *dev, const struct netdev_link *bond, struct netdev_switch_id *out,
	struct hal_reason *r);

/* ---- merged.c ---- */

/* Whether every packet comes by the port alone: 0, or -EOPNOTSUPP with `r`. */
int tc_check_merged(struct tc_dev *dev, const struct tc_port *port, struct hal_reason *r);

/* ---- marker.c ---- */

struct tc_marker {
	uint32_t instance, port;
	bool qdisc_is_ours;
};

/* 0, -ENOENT: there is none, or -errno. */
int tc_marker_get(struct tc_dev *dev, uint32_t ifindex, struct tc_marker *m);
/* Sets it or writes it anew; `miss`: the netdev that packets without a rule go to, 0: none. */
int tc_marker_set(struct tc_dev *dev, uint32_t ifindex, const struct tc_marker *m, uint32_t miss,
	struct hal_reason *r);
/* What a message says, if it is about a marker. */
bool tc_marker_take(struct tc_marker *m, struct nlmsghdr *h);
int tc_marker_drop(struct tc_dev *dev, uint32_t ifindex);
bool tc_marker_is_place(const struct tc_place *place);

/* ---- meter.c ---- */

int tc_meters_open(struct tc_dev *dev);   /* 0 or -errno */
void tc_meters_close(struct tc_dev *dev); /* policers stay */

int tc_object_set(void *dev, const struct hal_object *obj, struct hal_reason *r);
int tc_object_del(void *dev, enum hal_object_type type, uint32_t id);
int tc_object_stats(
	void *dev, enum hal_object_type type, uint32_t id, struct hal_object_stats *out);

/* The index of a meter's policer, 0: there is none; and back, also for a former run's: 0 or
 * -ENOENT.
 */
uint32_t tc_meter_index(const struct tc_dev *dev, uint32_t id);
int tc_meter_id(const struct tc_dev *dev, uint32_t index, uint32_t *id);

/* Deletes those that wait for it, as far as the kernel lets go of them. */
void tc_meters_sweep(struct tc_dev *dev);

/* ---- meter_rules.c ---- */

/* Counts the rule as a user of the meters that the program names, and no more of those before. */
void tc_meters_hold(struct tc_dev *dev, struct tc_rule *rule, const struct hal_program *p);

bool tc_uses_meter(const struct hal_program *p);
/* Whether the meters of a port's rule can take its packets; if it is to be sent they have to be
 * there, and are made ready for them. 0 or -errno with `r`. */
int tc_meters_prepare(struct tc_dev *dev, const struct tc_port *port, const struct hal_rule *rule,
	bool to_send, struct hal_reason *r);

#endif
