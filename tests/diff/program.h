/* SPDX-License-Identifier: Apache-2.0
 *
 * Random OpenFlow programs.
 *
 * What: tables of flows as ovs-ofctl reads them, in phases: phase 0 fills the tables, each later
 * phase adds, modifies and deletes. Everything follows from (seed, index).
 * Why so: programs stay within what OpenFlow defines, or else two right switches would differ.
 * Two flows of one table have one priority only when they share a mask and differ in value. At
 * most one VLAN tag is pushed on a way; sets need their header; fragments' ports are neither
 * matched nor set.
 * Thread-safety: a program has one owner.
 */
#ifndef SLUICE_TESTS_DIFF_PROGRAM_H
#define SLUICE_TESTS_DIFF_PROGRAM_H

#include <stdio.h>

#include "packet.h"

#define PORTS 6                /* besides LOCAL */
#define PORT_UNBOUND 6         /* no device has it: its packets stay in software */
#define PORT_LOCAL 0xfffffffeu /* OFPP_LOCAL */
#define POOL 6                 /* values of a field that occur in a program */
#define REGISTERS 4
#define MAX_TABLES 5
#define MAX_SHAPES 8
#define MAX_COMPONENTS 12
#define MAX_FLOWS 1600
#define MAX_PHASES 3

/* What a program is mostly about. */
enum profile {
	P_L2,      /* Ethernet and VLAN, forwarding only: what every device can */
	P_TUPLE,   /* IPv4 5-tuples, forwarding only */
	P_V6,      /* IPv6 */
	P_MIX,     /* everything, one table */
	P_TABLES,  /* everything, several tables with metadata and registers */
	P_CONTROL, /* ARP, ND and ICMP */
	P_SPECIAL, /* everything, with outputs to reserved ports */
	P_FRAG,    /* fragments */
	P_WIDE,    /* more 5-tuples than a small device has room for */
	P_COUNT,
};
extern const char *const profile_name[];

struct component {
	enum fid id;
	struct value value, mask;
};

struct match {
	unsigned n;
	struct component c[MAX_COMPONENTS];
	uint16_t eth_type; /* known from the match, or 0 */
	uint8_t proto, icmp_type;
	bool tagged, untagged;
};

/* Flows of one shape have the same fields and masks, and share a priority. */
struct shape {
	struct match match; /* values are of no meaning unless fixed */
	bool fixed[MAX_COMPONENTS];
	uint16_t priority;
};

struct flow {
	uint32_t cookie;
	uint8_t table; /* index into tables[] */
	uint16_t priority;
	struct match match;
	struct component writes[16]; /* metadata and registers that its actions leave behind */
	unsigned n_writes;
	int next;     /* index of the table it goes to, -1: none */
	bool present; /* as far as the generator knows */
};

/* What programs seldom match or write, by field, and whether they seldom send to PORT_UNBOUND. */
struct rare {
	bool match[D_MAX], set[D_MAX], unbound;
};

struct program {
	struct rng rng;
	uint64_t seed;
	unsigned index;
	enum profile profile;
	unsigned n_tables;
	uint8_t tables[MAX_TABLES];
	unsigned n_shapes[MAX_TABLES];
	struct shape shapes[MAX_TABLES][MAX_SHAPES];
	unsigned n_flows;
	struct flow *flows; /* MAX_FLOWS of them */
	struct value pool[D_MAX][POOL];
	enum fid reg[REGISTERS]; /* two regs, an xreg, an xxreg, none of which overlap */
	unsigned push_table;     /* the only table whose flows push; MAX_TABLES: none */
	bool pop_in_set;         /* pop_vlan stands in write_actions only */
	bool fragments, normal, controller, reserved_ports;
	unsigned max_tags;
	unsigned n_phases;
	uint32_t next_cookie;
	const struct rare *rare;
};

/* Makes the program's frame: pools, tables, shapes. `rare` outlives it. Frees nothing:
 * program_free() does. */
int program_init(struct program *p, uint64_t seed, unsigned index, unsigned n_phases,
	const struct rare *rare);
void program_free(struct program *p);

/* Writes the flow-mods of a phase as ovs-ofctl's add-flows reads them, and a line
 * "COOKIE field:kind ..." for each new flow to `meta`. */
void program_phase(struct program *p, unsigned phase, FILE *flows, FILE *meta);

/* Prints "apply,...,goto_table:N" for a flow, and sets its `next`. */
void actions_generate(struct program *p, struct flow *f, char *buf, size_t n);

/* Whether the program uses this register. */
bool program_uses(const struct program *p, enum fid id);

/* A value of the field as the program uses it. */
struct value program_value(struct program *p, enum fid id);

#endif
