/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests other than rule operations (operation.c), and the choice between them.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/simnic/nic.h"
#include "tools/simnic/operation.h"
#include "tools/simnic/profile.h"

#define MAX_COUNTERS 1024u /* in one message */
#define MAX_PORT_STATS 512u

static void reply(
	struct nic *nic, struct nic_client *client, uint32_t id, const void *body, size_t len)
{
	static uint8_t buf[SIM_MSG_MAX];
	const struct sim_msg head = {SIM_REPLY, id};

	memcpy(buf, &head, sizeof(head));
	memcpy(buf + sizeof(head), body, len);
	nic_client_send(nic, client, buf, sizeof(head) + len);
}

static void reply_status(
	struct nic *nic, struct nic_client *client, uint32_t id, int error, const char *text)
{
	struct sim_status status = {.error = error};

	snprintf(status.text, sizeof(status.text), "%s", text);
	reply(nic, client, id, &status, sizeof(status));
}

static void hello(struct nic *nic, struct nic_client *client, uint32_t id, const uint8_t *body,
	size_t len, int *fds, unsigned n_fds)
{
	struct sim_hello_reply out = {
		.version = SIM_VERSION, .pid = getpid(), .generation = nic->generation};
	struct sim_hello in = {0};
	struct nic_port *port;

	if (len == sizeof(in))
		memcpy(&in, body, sizeof(in));
	if (in.version != SIM_VERSION || in.n_fields != FIELD_MAX || in.n_actions != ACTION_MAX)
		out.error = -EPROTO;
	else if (in.attach)
		out.error = n_fds == SIM_FDS ? nic_uplink_attach(nic, fds) : -EBADMSG;
	if (!out.error && in.attach) {
		nic->driver = client;
		nic->attached_ms = nic_now_ms();
		nic->unclaimed = true;
		TAILQ_FOREACH (port, &nic->ports, next)
			port->claimed = false;
		nic_objects_unclaim(nic);
	}
	out.caps = *nic->profile->caps;
	snprintf(out.caps.name, sizeof(out.caps.name), "%s", nic->profile->name);
	reply(nic, client, id, &out, sizeof(out));
}

static void get(struct nic *nic, struct nic_client *client, uint32_t id, const uint8_t *body)
{
	static uint8_t buf[SIM_MSG_MAX];
	struct sim_got got = {.presence = SIM_ABSENT};
	struct hal_ufid ufid;
	struct nic_rule *rule;
	size_t len = sizeof(got);

	memcpy(&ufid, body, sizeof(ufid));
	rule = nic_rules_find(&nic->rules, &ufid);
	if (rule) {
		got.presence = SIM_PRESENT;
		nic_counter_read(nic, rule, &got.counter);
		memcpy(buf + len, rule->wire, rule->len);
		len += rule->len;
	} else if (nic_tomb_find(nic, &ufid, &got.counter)) {
		got.presence = SIM_DELETED;
	}
	memcpy(buf, &got, sizeof(got));
	reply(nic, client, id, buf, len);
}

static void counters(
	struct nic *nic, struct nic_client *client, uint32_t id, const uint8_t *body, size_t len)
{
	static struct sim_counter out[MAX_COUNTERS];
	size_t n = len / sizeof(struct hal_ufid);

	if (n > MAX_COUNTERS)
		n = MAX_COUNTERS;
	for (size_t i = 0; i < n; i++) {
		struct hal_ufid ufid;
		struct nic_rule *rule;

		memcpy(&ufid, body + i * sizeof(ufid), sizeof(ufid));
		rule = nic_rules_find(&nic->rules, &ufid);
		memset(&out[i], 0, sizeof(out[i]));
		if (rule) {
			nic_counter_read(nic, rule, &out[i]);
			rule->read_packets = rule->packets;
		}
	}
	reply(nic, client, id, out, n * sizeof(out[0]));
}

static void dump(struct nic *nic, struct nic_client *client, uint32_t id, const uint8_t *body)
{
	static uint8_t buf[SIM_MSG_MAX - sizeof(struct sim_msg)];
	struct sim_dump_reply head = {0};
	struct sim_dump in;
	struct nic_rule *rule;
	size_t len = sizeof(head);

	memcpy(&in, body, sizeof(in));
	head.last = in.after;
	TAILQ_FOREACH (rule, &nic->rules.all, by_serial) {
		struct sim_counter counter;
		size_t bytes = (sizeof(counter) + rule->len + 7) & ~(size_t)7;

		if (rule->serial <= in.after)
			continue;
		if (bytes > sizeof(buf) - len) {
			head.more = 1;
			break;
		}
		nic_counter_read(nic, rule, &counter);
		memcpy(buf + len, &counter, sizeof(counter));
		memcpy(buf + len + sizeof(counter), rule->wire, rule->len);
		memset(buf + len + sizeof(counter) + rule->len, 0,
			bytes - sizeof(counter) - rule->len);
		len += bytes;
		head.n++;
		head.last = rule->serial;
	}
	memcpy(buf, &head, sizeof(head));
	reply(nic, client, id, buf, len);
}

static void bind_port(struct nic *nic, struct nic_client *client, uint32_t id, const uint8_t *body)
{
	char text[SIM_TEXT] = "";
	struct sim_bind bind;
	int err;

	memcpy(&bind, body, sizeof(bind));
	bind.name[sizeof(bind.name) - 1] = '\0';
	if (nic->n_ports >= nic->profile->caps->max_ports && !nic_port_find(nic, bind.port)) {
		snprintf(text, sizeof(text), "all %u ports are taken", nic->n_ports);
		err = -ENOSPC;
	} else {
		err = nic_port_bind(nic, &bind, text);
	}
	reply_status(nic, client, id, err, text);
}

static void port_stats(
	struct nic *nic, struct nic_client *client, uint32_t id, const uint8_t *body, size_t len)
{
	static struct sim_port_stats out[MAX_PORT_STATS];
	size_t n = len / sizeof(struct sim_port);

	if (n > MAX_PORT_STATS)
		n = MAX_PORT_STATS;
	for (size_t i = 0; i < n; i++) {
		struct nic_port *port;
		struct sim_port asked;

		memcpy(&asked, body + i * sizeof(asked), sizeof(asked));
		port = nic_port_find(nic, asked.port);
		if (port)
			nic_port_stats_update(port);
		out[i] = port ? port->stats : (struct sim_port_stats){.error = -ENOENT};
	}
	reply(nic, client, id, out, n * sizeof(out[0]));
}

static void stats(struct nic *nic, struct nic_client *client, uint32_t id)
{
	struct sim_stats out = {.rules = nic->rules.n,
		.max_rules = nic->profile->caps->max_rules,
		.ports = nic->n_ports,
		.generation = nic->generation,
		.hit_packets = nic->hits,
		.miss_packets = nic->misses,
		.dropped_packets = nic->drops,
		.chain_misses = nic->chain_misses};

	memcpy(out.objects, nic->objects.n, sizeof(out.objects));
	reply(nic, client, id, &out, sizeof(out));
}

static void script(
	struct nic *nic, struct nic_client *client, uint32_t id, const uint8_t *body, size_t len)
{
	static char text[SIM_MSG_MAX + 1];
	char words[SIM_TEXT] = "";
	int err;

	memcpy(text, body, len);
	text[len] = '\0';
	err = nic_script_parse(text, nic_now_ms(), &nic->script, words);
	reply_status(nic, client, id, err, words);
}

/* OBJECT_SET and OBJECT_DEL, unless a fault script refuses them. */
static void object_change(struct nic *nic, struct nic_client *client, const struct sim_msg *head,
	const uint8_t *body, size_t len)
{
	struct nic_verdict v = nic_script_judge(&nic->script, head->type, nic->rules.n);
	struct sim_done done = {.field = FIELD_MAX, .action = ACTION_MAX};
	struct sim_object_name name;
	struct sim_object_reply out;

	memcpy(&name, body, sizeof(name));
	if (v.refuse || v.late) {
		done.error = nic_reason_errno(v.code);
		done.reason = v.code;
		snprintf(done.text, sizeof(done.text), "%s", v.text);
	} else if (head->type == SIM_OBJECT_SET) {
		nic_object_set(nic, body, len, &done);
	} else {
		nic_object_del(nic, &name, &done);
	}
	out = (struct sim_object_reply){.error = done.error,
		.reason = done.reason,
		.field = done.field,
		.action = done.action,
		.port = done.port};
	memcpy(out.text, done.text, sizeof(out.text));
	reply(nic, client, head->id, &out, sizeof(out));
}

static void object_stats(
	struct nic *nic, struct nic_client *client, uint32_t id, const uint8_t *body)
{
	struct sim_object_stats out = {.error = -ENOENT};
	struct sim_object_name name;
	const struct nic_object *o;

	memcpy(&name, body, sizeof(name));
	o = nic_object_find(&nic->objects, name.type, name.id);
	if (o)
		out = (struct sim_object_stats){.stats = o->stats};
	reply(nic, client, id, &out, sizeof(out));
}

/* Bytes that a request has at least. */
static size_t body_bytes(uint32_t type)
{
	switch (type) {
	case SIM_DEL:
	case SIM_GET:
		return sizeof(struct sim_ufid_body);
	case SIM_DUMP:
		return sizeof(struct sim_dump);
	case SIM_BIND:
		return sizeof(struct sim_bind);
	case SIM_UNBIND:
		return sizeof(struct sim_port);
	case SIM_OBJECT_SET:
		return sizeof(struct sim_object);
	case SIM_OBJECT_DEL:
	case SIM_OBJECT_STATS:
		return sizeof(struct sim_object_name);
	default:
		return 0;
	}
}

static void dispatch(struct nic *nic, struct nic_client *client, const struct sim_msg *head,
	const uint8_t *body, size_t len)
{
	uint32_t number = 0;

	if (len < body_bytes(head->type)) {
		reply_status(nic, client, head->id, -EBADMSG, "the message is too short");
		return;
	}
	if (len >= sizeof(number))
		memcpy(&number, body, sizeof(number));
	switch (head->type) {
	case SIM_ADD:
	case SIM_REPLACE:
	case SIM_DEL:
		nic_operation(nic, client, head, body, len);
		break;
	case SIM_GET:
		get(nic, client, head->id, body);
		break;
	case SIM_COUNTERS:
		counters(nic, client, head->id, body, len);
		break;
	case SIM_DUMP:
		dump(nic, client, head->id, body);
		break;
	case SIM_BIND:
		bind_port(nic, client, head->id, body);
		break;
	case SIM_UNBIND:
		reply_status(nic, client, head->id, nic_port_unbind(nic, number), "");
		break;
	case SIM_PORT_STATS:
		port_stats(nic, client, head->id, body, len);
		break;
	case SIM_OBJECT_SET:
	case SIM_OBJECT_DEL:
		object_change(nic, client, head, body, len);
		break;
	case SIM_OBJECT_STATS:
		object_stats(nic, client, head->id, body);
		break;
	case SIM_STATS:
		stats(nic, client, head->id);
		break;
	case SIM_SCRIPT:
		script(nic, client, head->id, body, len);
		break;
	case SIM_QUIT:
		nic->stop = true;
		break;
	default:
		reply_status(nic, client, head->id, -EOPNOTSUPP, "no such request");
		break;
	}
}

void nic_control(struct nic *nic, struct nic_client *client, const uint8_t *msg, size_t len,
	int *fds, unsigned n_fds)
{
	const uint8_t *body = msg + sizeof(struct sim_msg);
	struct sim_msg head;

	memcpy(&head, msg, sizeof(head));
	len -= sizeof(head);
	if (head.type == SIM_HELLO)
		hello(nic, client, head.id, body, len, fds, n_fds);
	else
		dispatch(nic, client, &head, body, len);
	for (unsigned i = 0; i < n_fds; i++)
		close(fds[i]);
}
