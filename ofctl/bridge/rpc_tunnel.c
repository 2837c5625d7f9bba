/* SPDX-License-Identifier: Apache-2.0
 *
 * RPC commands about tunnels and the host's routes that they take.
 */
#include <stdio.h>
#include <string.h>

#include "hal/object.h"
#include "ofctl/bridge/bridge_priv.h"
#include "ofctl/bridge/rpc.h"

static struct host *host_of(struct rpc_call *call)
{
	return rpc_bridges(call)->cfg.host;
}

/* ---- routes ---- */

struct list {
	FILE *f;
	json_t *array; /* with --json */
};

/* False: the call was answered. */
static bool list_begin(struct rpc_call *call, struct list *l)
{
	*l = (struct list){0};
	if (rpc_wants_json(call))
		l->array = json_array();
	else
		l->f = rpc_writer(call);
	return l->array || l->f;
}

static void list_end(struct rpc_call *call, const struct list *l)
{
	if (l->array)
		rpc_reply_json(call, l->array);
	else
		rpc_reply_written(call);
}

static void show_route(void *ctx, const struct host_route_info *r)
{
	char prefix[HOST_ADDRESS_TEXT], gateway[HOST_ADDRESS_TEXT], source[HOST_ADDRESS_TEXT];
	const struct list *l = ctx;

	host_address_text(r->prefix, prefix);
	host_address_text(r->gateway, gateway);
	host_address_text(r->source, source);
	if (l->array) {
		json_array_append_new(l->array,
			json_pack("{s:s, s:i, s:s, s:s, s:s, s:i, s:s}", "prefix", prefix, "len",
				r->prefix_len, "netdev", r->netdev, "gateway", gateway, "source",
				source, "metric", (int)r->metric, "type", r->type));
		return;
	}
	fprintf(l->f, "%s/%u", prefix, r->prefix_len);
	if (strcmp(r->type, "unicast"))
		fprintf(l->f, " %s", r->type);
	if (r->netdev[0])
		fprintf(l->f, " dev %s", r->netdev);
	if (gateway[0])
		fprintf(l->f, " GW %s", gateway);
	if (source[0])
		fprintf(l->f, " SRC %s", source);
	if (r->metric)
		fprintf(l->f, " metric %u", r->metric);
	fputc('\n', l->f);
}

static void show_address(
	void *ctx, const struct host_address *a, uint8_t prefix_len, const char *netdev)
{
	const struct list *l = ctx;
	char text[HOST_ADDRESS_TEXT];

	host_address_text(a, text);
	if (l->array)
		json_array_append_new(
			l->array, json_pack("{s:s, s:i, s:s, s:s}", "prefix", text, "len",
					  prefix_len, "netdev", netdev, "type", "local"));
	else
		fprintf(l->f, "%s/%u dev %s local\n", text, prefix_len, netdev);
}

static void route_show(struct rpc_call *call)
{
	struct list l;

	if (!list_begin(call, &l))
		return;
	if (l.f)
		fputs("Route Table:\n", l.f);
	host_routes(host_of(call), show_route, &l);
	host_addresses(host_of(call), show_address, &l);
	list_end(call, &l);
}

static void route_lookup(struct rpc_call *call)
{
	char next[HOST_ADDRESS_TEXT], source[HOST_ADDRESS_TEXT], text[256];
	struct host_address dst;
	struct host_hop hop;

	if (!host_address_parse(rpc_arg(call, 0), &dst)) {
		rpc_error(call, "%s: expected an IPv4 or IPv6 address", rpc_arg(call, 0));
		return;
	}
	if (!host_route_lookup(host_of(call), &dst, &hop)) {
		rpc_error(call, "there is no route to %s", rpc_arg(call, 0));
		return;
	}
	host_address_text(&hop.next, next);
	host_address_text(&hop.source, source);
	if (rpc_wants_json(call)) {
		rpc_reply_json(call, json_pack("{s:s, s:s, s:s}", "next", next, "source", source,
					     "netdev", hop.netdev));
		return;
	}
	snprintf(text, sizeof(text), "src %s\ngateway %s\ndev %s\n", source,
		host_address_equal(&hop.next, &dst) ? "::" : next, hop.netdev);
	rpc_reply(call, text);
}

/* ---- neighbours ---- */

static void show_neighbour(
	void *ctx, const struct host_address *a, const uint8_t mac[6], const char *netdev)
{
	char text[HOST_ADDRESS_TEXT], m[18];
	const struct list *l = ctx;

	host_address_text(a, text);
	snprintf(m, sizeof(m), "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3],
		mac[4], mac[5]);
	if (l->array)
		json_array_append_new(l->array,
			json_pack("{s:s, s:s, s:s}", "ip", text, "mac", m, "netdev", netdev));
	else
		fprintf(l->f, "%-45s %-18s %s\n", text, m, netdev);
}

static void neigh_show(struct rpc_call *call)
{
	struct list l;

	if (!list_begin(call, &l))
		return;
	if (l.f)
		fprintf(l.f, "%-45s %-18s %s\n", "IP", "MAC", "Netdev");
	host_neighbours(host_of(call), show_neighbour, &l);
	list_end(call, &l);
}

/* ---- ports ---- */

static void show_end(void *ctx, const struct hal_tunnel *t, const struct hal_port_stats *s)
{
	const char *type = t->type == HAL_TUNNEL_GENEVE ? "geneve" : "vxlan";
	const struct list *l = ctx;

	if (l->array)
		json_array_append_new(l->array,
			json_pack("{s:s, s:i, s:i, s:I, s:I, s:I}", "type", type, "udp_port",
				(int)t->udp_dst, "port", (int)t->port, "encapsulated",
				(json_int_t)s->tx_packets, "decapsulated",
				(json_int_t)s->rx_packets, "malformed", (json_int_t)s->rx_errors));
	else
		fprintf(l->f,
			"%s_%u (%u) : UDP port %u, %llu packets encapsulated, %llu decapsulated, "
			"%llu malformed\n",
			type, t->udp_dst, t->port, t->udp_dst, (unsigned long long)s->tx_packets,
			(unsigned long long)s->rx_packets, (unsigned long long)s->rx_errors);
}

static void ports_show(struct rpc_call *call)
{
	struct list l;

	if (!list_begin(call, &l))
		return;
	if (l.f)
		fputs("Listening ports:\n", l.f);
	tunnel_ends_list(rpc_bridges(call), show_end, &l);
	list_end(call, &l);
}

const struct rpc_command rpc_tunnel_commands[] = {
	{"ovs/route/show", "", 0, 0, route_show},
	{"ovs/route/lookup", "ADDRESS", 1, 1, route_lookup},
	{"tnl/neigh/show", "", 0, 0, neigh_show},
	{"tnl/arp/show", "", 0, 0, neigh_show},
	{"tnl/ports/show", "", 0, 0, ports_show},
	{NULL, NULL, 0, 0, NULL},
};
