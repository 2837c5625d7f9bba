/* SPDX-License-Identifier: Apache-2.0
 *
 * What users type: flows, groups and meters as text. What is taken is printed, and what is printed
 * is taken again and is the same. The first byte of the input says which of them it is (mod the
 * number of kinds, so that '0' and its neighbours do).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ofctl/openflow/group_text.h"

#define ERR_LEN 128 /* short: messages are cut */

/* Ends the run: the text is what the input was taken for. */
static void differs(const char *first, const char *second)
{
	fprintf(stderr, "printed: %s\nagain:   %s\n", first, second ? second : "(refused)");
	abort();
}

static char *print_flow(const struct of_flow_mod *fm)
{
	struct hal_cmatch *cm = hal_cmatch_new(&fm->match);
	struct of_flow_stats fs = {.table = fm->table,
		.priority = fm->priority,
		.match = cm,
		.ins = &fm->ins,
		.cookie = fm->cookie,
		.idle_timeout = fm->idle_timeout,
		.hard_timeout = fm->hard_timeout,
		.flags = fm->flags,
		.importance = fm->importance};
	char *text = cm ? of_flow_stats_format(&fs, NULL) : NULL;

	free(cm);
	return text;
}

static char *take_flow(const char *text)
{
	char err[ERR_LEN], *printed = NULL;
	struct of_flow_mod fm;

	if (!of_flow_mod_parse(text, OF_FLOW_ADD, NULL, &fm, err, sizeof(err))) {
		printed = print_flow(&fm);
		of_instructions_free(&fm.ins);
	}
	return printed;
}

static char *take_instructions(const char *text)
{
	char err[ERR_LEN], *printed = NULL;
	struct of_instructions ins;

	if (!of_instructions_parse(text, NULL, &ins, err, sizeof(err))) {
		printed = of_instructions_format(&ins, NULL);
		of_instructions_free(&ins);
	}
	return printed;
}

static char *take_group(const char *text)
{
	char err[ERR_LEN], *printed = NULL;
	struct of_group_mod gm;

	if (!of_group_mod_parse(text, OF_GROUP_ADD, NULL, &gm, err, sizeof(err))) {
		printed = of_group_format(&gm.group, NULL);
		of_group_free(&gm.group);
	}
	return printed;
}

/* Printed in a form that is not typed. */
static char *take_meter(const char *text)
{
	struct of_meter_mod mm;
	char err[ERR_LEN];

	if (!of_meter_mod_parse(text, OF_METER_ADD, &mm, err, sizeof(err)))
		free(of_meter_format(&(struct of_meter_stats){
			.id = mm.id, .flags = mm.flags, .meter = &mm.meter}));
	return NULL;
}

/* Not printed by itself. */
static char *take_delete(const char *text)
{
	struct of_flow_mod fm;
	struct of_group_mod gm;
	struct of_meter_mod mm;
	char err[ERR_LEN];
	uint32_t id;

	if (!of_flow_mod_parse(text, OF_FLOW_DELETE_STRICT, NULL, &fm, err, sizeof(err)))
		of_instructions_free(&fm.ins);
	if (!of_group_mod_parse(text, OF_GROUP_DELETE, NULL, &gm, err, sizeof(err)))
		of_group_free(&gm.group);
	of_meter_mod_parse(text, OF_METER_DELETE, &mm, err, sizeof(err));
	of_id_parse(text, "group_id", OF_GROUP_ALL_ID, &id, err, sizeof(err));
	return NULL;
}

static char *take_filter(const char *text)
{
	struct of_flow_filter filter;
	struct hal_match match;
	char err[ERR_LEN];

	of_flow_filter_parse(text, NULL, &filter, err, sizeof(err));
	of_match_parse(text, NULL, &match, err, sizeof(err));
	return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char *(*const kinds[])(const char *text) = {
		take_flow, take_instructions, take_group, take_meter, take_delete, take_filter};
	char *(*take)(const char *text), *text, *printed, *again;

	if (!size)
		return 0;
	take = kinds[data[0] % 6];
	/* As long as the text, so that one byte too many is noticed. */
	text = strndup((const char *)data + 1, size - 1);
	if (!text)
		return 0;
	printed = take(text);
	if (printed) {
		again = take(printed);
		if (!again || strcmp(printed, again))
			differs(printed, again);
		free(again);
	}
	free(printed);
	free(text);
	return 0;
}
