/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside the eBPF driver.
 *
 * What: a device is the kernel of one network namespace. Rules are entries of maps (layout.h), and
 * a program at the TC ingress of every bound netdev executes them (datapath.bpf.c).
 *
 * A key is the head of a struct hal_key as it is, with one difference: the input port is named by
 * its ifindex, which stays when a daemon starts again and numbers its ports anew.
 *
 * The maps and the program are pinned below the bpf filesystem in a folder of the daemon's own, as
 * long as a port is bound. So a daemon that starts finds what a former one left; where there is no
 * bpf filesystem, or another one, it finds the maps through the program that still uses them. It
 * always loads its own program, over the maps that are there if their layout is its own, and
 * binding a port swaps the program there: a version changes without a packet in between.
 *
 * At a netdev the program is a filter with a priority and a handle of ours; the handle says whose
 * it is. Everybody else's filters come first but for those of the software path, which takes what
 * is left.
 *
 * Threads: everything by the device's thread.
 */
#ifndef SLUICE_DRIVERS_EBPF_EBPF_H
#define SLUICE_DRIVERS_EBPF_EBPF_H

#include "drivers/ebpf/code.h"
#include "drivers/ebpf/layout.h"
#include "drivers/ebpf/pool.h"
#include "drivers/netdev/netdev.h"
#include "hal/base/hmap.h"
#include "hal/hal_driver.h"

#define EBPF_PROGRAM_NAME "sluice"
#define EBPF_CLASSES 3u
#define EBPF_BATCH 256u       /* operations in one */
#define EBPF_RULE_PRIORITY 1u /* of every rule: megaflows of a chain share one */

struct ebpf_rule {
	struct hmap_node node;     /* in ebpf_dev.rules, by ufid */
	struct hmap_node by_match; /* in ebpf_dev.matches */
	struct hal_ufid ufid;
	struct hal_cmatch *match;
	uint32_t chain;
	uint32_t mask, entry, slot;
	uint32_t generation;
	uint64_t packets; /* as last read */
	uint32_t seen;    /* the last pass over the maps that it is known to be in them from */
	bool missing;     /* somebody took it out of them */
	bool pending;     /* in the batch that is being made */
};

/* A port that is bound. */
struct ebpf_bound {
	struct hmap_node by_id, by_key;
	uint32_t id, ifindex;
	uint32_t key; /* how the maps name it */
	char name[IFNAMSIZ];
	bool qdisc_is_ours, is_host;
	struct netdev_miss miss;
	struct hal_port_stats base; /* what the netdev had counted when it was bound */
};

/* A port that a former run had bound, and nobody has bound yet. */
struct ebpf_former {
	uint32_t id, key;
};

/* An end of tunnels. */
struct ebpf_end {
	uint32_t name; /* in the maps, 0: nobody's place */
	uint32_t port; /* its datapath id */
	bool gone;     /* but rules for what came out of it are still there */
};

/* What is mapped into our memory, and descriptors of what is not. */
struct ebpf_maps {
	struct ebpf_control *control;
	struct ebpf_mask *masks;
	struct ebpf_entry *entries;
	struct ebpf_slot *slots;
	struct ebpf_program *programs;
	struct ebpf_count *counts;
	struct ebpf_runs *runs;
	struct ebpf_meter_count *meter_counts;
	int rules[EBPF_CLASSES], ports, mask_hits, tunnels, hosts, stats, meters, grace,
		grace_inner;
};

/* The maps' contents are written from this, and never read: others can write to them, too. */
struct ebpf_masks {
	struct ebpf_mask mask[EBPF_MASKS];
	uint8_t order[EBPF_MASKS];
	uint32_t refs[EBPF_MASKS];
	uint32_t hash[EBPF_MASKS];
	uint32_t n;         /* ever used, and in the order */
	uint64_t sorted_ms; /* when they were last put in order */
	uint64_t hits[EBPF_MASKS];
};

/* A meter. */
struct ebpf_metering {
	struct hmap_node node; /* in ebpf_dev.meters, by id */
	uint32_t id, number;
	uint32_t users;         /* times that slots name it */
	bool ending;            /* of a former run: it waits for the last rule to go */
	bool written;           /* into the map */
	struct ebpf_meter what; /* as it was written */
};

struct ebpf_uses;

struct ebpf_dev {
	uint32_t instance; /* tells daemons apart that share a namespace */
	uint64_t netns;    /* its cookie, which no other namespace ever has */
	struct datapath *skel;
	char folder[64]; /* of pins, "": none */
	unsigned n_cpus;
	struct ebpf_maps maps;
	struct ebpf_masks masks;
	struct netdev_channel *ch;
	struct hmap ports, ports_by_key;
	struct ebpf_former *former;
	unsigned n_former;
	uint64_t bound_ms;      /* when the last port was, or the device was opened */
	bool settled;           /* what a former run left at netdevs that are no ports is gone */
	uint32_t program_id[2]; /* of sluice, of sluice_host */
	struct hmap rules, matches;
	struct ebpf_end tunnels[EBPF_TUNNELS];
	struct ebpf_rule **by_entry; /* EBPF_RULES of them */
	struct pool entries, slots, programs;
	uint16_t *program_of;    /* slots: 1 + the program that it has, 0: none */
	struct ebpf_uses **uses; /* slots: the meters that it names */
	struct hmap meters;
	struct ebpf_metering **meter_at; /* EBPF_METERS of them */
	struct pool meter_numbers;
	struct ebpf_dump *dump; /* dump.c's */
	uint32_t pass;          /* of the last dump that began */
	uint32_t generation;
	struct hal_completion *done;
	unsigned n_done, cap_done, first_done;
	struct hal_env env;
};

extern const struct hal_driver ebpf_driver;

/* ---- load.c: the program and its maps ---- */

int ebpf_load(struct ebpf_dev *dev, struct hal_reason *r); /* 0 or -errno */
void ebpf_unload(struct ebpf_dev *dev, bool keep);         /* keep: what is pinned stays */
void ebpf_pins_forget(struct ebpf_dev *dev);               /* of a former run */
int ebpf_program_fd(const struct ebpf_dev *dev, bool host);
/* Whose maps they are is written there; true: somebody had altered it. */
bool ebpf_sign(struct ebpf_dev *dev);
/* Returns after every run of the program that began before has ended. */
void ebpf_grace(struct ebpf_dev *dev);

/* ---- adopt.c: maps that only a running program holds ---- */

struct bpf_map;
/* Puts them in place of those in the list (NULL at its end) that would be made. 0 if there are
 * none, or -errno. */
int ebpf_adopt(
	const struct ebpf_dev *dev, struct bpf_map *(*map)(void *ctx, unsigned i), void *ctx);

/* ---- masks.c ---- */

/* The mask's number, counted as used once more, or -ENOSPC with `r`. */
int ebpf_mask_hold(struct ebpf_dev *dev, const struct ebpf_mask *mask, struct hal_reason *r);
void ebpf_mask_drop(struct ebpf_dev *dev, uint32_t number);
/* Those that are in the maps already. */
void ebpf_masks_found(struct ebpf_dev *dev);
/* What somebody altered of them in the maps is put right. */
void ebpf_masks_mend(struct ebpf_dev *dev);
/* Puts the most hit first, now and then. */
void ebpf_masks_sort(struct ebpf_dev *dev);

/* ---- key.c ---- */

struct ebpf_key {
	struct ebpf_mask mask;
	uint64_t w[EBPF_KEY_WORDS];
};

/* How ports and ends of tunnels are named in the maps. */
uint32_t ebpf_port_key(const struct ebpf_dev *dev, uint32_t port); /* 0: not bound */
uint32_t ebpf_port_of(const struct ebpf_dev *dev, uint32_t key);   /* also of a former run */

/* 0, or -errno with `r`. */
int ebpf_key_encode(const struct ebpf_dev *dev, const struct hal_cmatch *match,
	struct ebpf_key *key, struct hal_reason *r);
/* The match, NULL: there is no memory, or the key is none of ours. */
struct hal_cmatch *ebpf_key_decode(const struct ebpf_dev *dev, const struct ebpf_key *key);

/* Which of the hash maps, and the key there: struct ebpf_key4, 8 or 20. */
unsigned ebpf_class_of(const struct ebpf_mask *mask);
size_t ebpf_class_size(unsigned class);
void ebpf_key_write(void *out, unsigned class, uint32_t mask, uint32_t chain, const uint64_t *w);

/* ---- tunnel.c: ends of tunnels ---- */

uint32_t ebpf_tunnel_name(const struct ebpf_dev *dev, uint32_t port); /* 0: there is none */
uint32_t ebpf_tunnel_port(const struct ebpf_dev *dev, uint32_t name); /* or HAL_PORT_NONE */
unsigned ebpf_n_tunnels(const struct ebpf_dev *dev);
/* What a rule's program may do with tunnels in its place: 0, or -errno with `r`. `ahead`: their
 * ends are not made yet. */
int ebpf_tunnel_check(
	const struct ebpf_dev *dev, const struct hal_rule *rule, bool ahead, struct hal_reason *r);
/* As the HAL has them for objects. */
int ebpf_tunnel_set(struct ebpf_dev *dev, const struct hal_object *obj, struct hal_reason *r);
int ebpf_tunnel_del(struct ebpf_dev *dev, uint32_t id);
int ebpf_tunnel_stats(const struct ebpf_dev *dev, uint32_t id, struct hal_object_stats *out);

/* ---- book.c: the rules that are in the maps ---- */

struct ebpf_rule *ebpf_rule_find(const struct ebpf_dev *dev, const struct hal_ufid *ufid);
struct ebpf_rule *ebpf_rule_of_match(
	const struct ebpf_dev *dev, const struct hal_cmatch *match, uint32_t chain);
/* Enters it under its ufid, match and entry. The match is taken over. NULL: no memory. */
struct ebpf_rule *ebpf_rule_new(struct ebpf_dev *dev, const struct hal_ufid *ufid,
	struct hal_cmatch *match, uint32_t chain, uint32_t entry);
/* Forgets it, with all numbers that it holds. */
void ebpf_rule_drop(struct ebpf_dev *dev, struct ebpf_rule *rule);
void ebpf_rules_clear(struct ebpf_dev *dev);
/* Takes in what a former run left, and deletes what nobody can read. 0 or -ENOMEM. */
int ebpf_rules_found(struct ebpf_dev *dev);

/* A slot with these steps, not yet named by an entry. Its number, or -ENOSPC with `r`. */
int64_t ebpf_slot_write(struct ebpf_dev *dev, const struct hal_ufid *ufid,
	const struct ebpf_code *code, struct hal_reason *r);
void ebpf_slot_free(struct ebpf_dev *dev, uint32_t slot);
/* What a slot has. False: it is broken. */
bool ebpf_slot_read(const struct ebpf_dev *dev, uint32_t slot, struct ebpf_code *code);

/* The key of a rule as it lies in its map. */
void ebpf_rule_key(
	const struct ebpf_dev *dev, const struct ebpf_rule *rule, void *out, unsigned *class);
/* Whether its map still has it. */
bool ebpf_rule_is_there(const struct ebpf_dev *dev, const struct ebpf_rule *rule);
/* A reading of its counters; nothing is known of a rule that is missing. */
void ebpf_rule_count(
	const struct ebpf_dev *dev, struct ebpf_rule *rule, struct hal_raw_counter *out);
void ebpf_slot_count(const struct ebpf_dev *dev, uint32_t slot, struct hal_raw_counter *out);

/* ---- meters.c ---- */

int ebpf_meters_open(struct ebpf_dev *dev); /* 0, or not without memory */
void ebpf_meters_close(struct ebpf_dev *dev);
/* Takes in what a former run left: 0 or -ENOMEM. Those without rules are gone after a sweep. */
int ebpf_meters_found(struct ebpf_dev *dev);
void ebpf_meters_sweep(struct ebpf_dev *dev);
/* What somebody altered of them in the maps is put right. */
void ebpf_meters_mend(struct ebpf_dev *dev);
/* Those that the steps of a slot name: 0, -ENOMEM, or -EINVAL if one is not there. */
int ebpf_meters_hold(struct ebpf_dev *dev, uint32_t slot, const struct ebpf_code *code);
void ebpf_meters_drop(struct ebpf_dev *dev, uint32_t slot);
/* Whether these steps name the meters that the slot was given. */
bool ebpf_meters_held(const struct ebpf_dev *dev, uint32_t slot, const struct ebpf_code *code);
/* As struct ebpf_ports has them; ctx is the device. */
int64_t ebpf_meter_number(const void *ctx, uint32_t id);
int64_t ebpf_meter_id(const void *ctx, uint32_t number);
/* As the HAL has them for objects. */
int ebpf_meter_set(struct ebpf_dev *dev, const struct hal_object *obj, struct hal_reason *r);
int ebpf_meter_del(struct ebpf_dev *dev, uint32_t id);
int ebpf_meter_stats(const struct ebpf_dev *dev, uint32_t id, struct hal_object_stats *out);

/* ---- object.c ---- */

int ebpf_object_set(void *dev, const struct hal_object *obj, struct hal_reason *r);
int ebpf_object_del(void *dev, enum hal_object_type type, uint32_t id);
int ebpf_object_stats(
	void *dev, enum hal_object_type type, uint32_t id, struct hal_object_stats *out);

/* ---- ops.c, dump.c, query.c ---- */

int ebpf_check(void *dev, const struct hal_rule *rule, struct hal_reason *r);
int ebpf_submit(void *dev, struct hal_op *ops, unsigned n);
int ebpf_poll(void *dev, struct hal_completion *out, unsigned max);
int ebpf_counters_read(
	void *dev, const struct hal_ufid *ufids, unsigned n, struct hal_raw_counter *out);
int ebpf_stats(void *dev, struct hal_device_stats *out);
/* What is counted under the key in one of the maps of struct ebpf_traffic, of all CPUs; or from now
 * on. 0 or -errno. */
int ebpf_traffic_read(
	const struct ebpf_dev *dev, int map, const uint32_t *key, struct ebpf_traffic *out);
int ebpf_traffic_clear(const struct ebpf_dev *dev, int map, const uint32_t *key);
struct ebpf_dump *ebpf_dump_new(void); /* freed by free() */
int ebpf_dump(void *dev, uint64_t *at, unsigned max, hal_dump_cb *cb, void *ctx);

/* Goes over a hash map in pieces; `found` is told of keys and entries, and ends it by a negative
 * value. *at is 0 at first, and left as the next piece needs it, 0 after the last. */
struct ebpf_walk {
	unsigned class;
	bool under_way;
	uint8_t at[8]; /* opaque to us */
};
typedef int ebpf_found(void *ctx, unsigned class, const void *key, uint32_t entry);
int ebpf_walk_piece(
	struct ebpf_dev *dev, struct ebpf_walk *walk, ebpf_found *found, void *ctx, bool *more);

/* ---- ports.c ---- */

int ebpf_port_bind(
	void *dev, uint32_t port, const struct hal_port_handle *handle, struct hal_reason *r);
int ebpf_port_unbind(void *dev, uint32_t port);
int ebpf_port_stats(void *dev, uint32_t port, struct hal_port_stats *out);
int ebpf_port_miss(void *dev, uint32_t port, struct hal_port_handle *out);
void ebpf_ports_mend(struct ebpf_dev *dev); /* what was taken away or altered is put right */
/* Takes away what a former run left where no port is, once, when ports have been bound. */
void ebpf_ports_settle(struct ebpf_dev *dev);
/* Takes the programs of a former run from all netdevs. */
void ebpf_ports_forget(struct ebpf_dev *dev);
void ebpf_ports_close(struct ebpf_dev *dev); /* filters stay */
int ebpf_ports_found(struct ebpf_dev *dev);  /* of a former run: 0 or -ENOMEM */

/* ---- filter.c: the program at a netdev ---- */

/* `host`: at the egress, where the host sends. */

struct ebpf_filter {
	bool found; /* of our instance */
	bool qdisc_is_ours;
	uint32_t program; /* its id */
	bool is_anothers; /* another daemon has its own there */
};

int ebpf_filter_find(struct ebpf_dev *dev, uint32_t ifindex, bool host, struct ebpf_filter *out);
int ebpf_filter_attach(struct ebpf_dev *dev, uint32_t ifindex, bool host, bool qdisc_is_ours,
	struct hal_reason *r);
void ebpf_filter_detach(struct ebpf_dev *dev, uint32_t ifindex, bool host);

#endif
