/* SPDX-License-Identifier: Apache-2.0 */
#include "ofctl/bridge/match_text.h"

#include <stdio.h>
#include <string.h>

#include "ofctl/bridge/bridge_priv.h"
#include "ofctl/openflow/flow_text.h"

static uint32_t name_to_number(void *ctx, const char *name)
{
	return pl_port_by_name(ctx, name);
}

static struct bridge *bridge_named(struct bridges *b, const char *name, size_t len)
{
	struct bridge *br;

	LIST_FOREACH (br, &b->list, link)
		if (strlen(br->name) == len && !strncmp(br->name, name, len))
			return br;
	return NULL;
}

int match_text_read(struct bridges *b, const char *text, struct bridge **br, bool *named,
	struct hal_match *m, char *err, size_t n)
{
	const char *space = strchr(text, ' ');
	struct of_port_names names = {.by_name = name_to_number};
	struct iface *i;

	*br = space ? bridge_named(b, text, (size_t)(space - text)) : NULL;
	*named = *br != NULL;
	if (*named)
		text = space + 1;
	else
		*br = LIST_FIRST(&b->list);
	if (!*br) {
		snprintf(err, n, "there is no bridge");
		return -1;
	}
	names.ctx = (*br)->pl;
	if (of_match_parse(text, &names, m, err, n))
		return -1;
	LIST_FOREACH (i, &(*br)->ifaces, link)
		if (m->mask.in_port_of && i->open &&
			i->cfg.number == rte_be_to_cpu_32(m->value.in_port_of)) {
			m->value.dp.in_port = rte_cpu_to_be_32(i->dp_port);
			m->mask.dp.in_port = 0xffffffff;
		}
	return 0;
}
