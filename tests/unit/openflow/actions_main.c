/* SPDX-License-Identifier: Apache-2.0
 *
 * Actions between their forms, line by line, to be compared with what stock tools say:
 * of-actions OpenFlow10|OpenFlow13 decode|encode|flow.
 *   decode: hexadecimal to "TYPE,CODE" of the error, or to "TEXT HEXADECIMAL" (as encoded again)
 *   flow: a flow's text to what a dump of it says
 *   encode: text to hexadecimal, or to "error: MESSAGE"
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ofctl/openflow/codec.h"
#include "ofctl/openflow/error.h"
#include "ofctl/openflow/flow_text.h"
#include "ofctl/openflow/wire.h"

static void put_hex(uint8_t version, const struct of_instructions *ins)
{
	struct of_buf b = {0};

	if (version == OFP10)
		of_instructions_encode10(&b, ins);
	else
		of_actions_encode(&b, version, &ins->apply);
	for (size_t i = 0; i < b.len; i++)
		printf("%02x", b.data[i]);
	printf("\n");
	of_buf_free(&b);
}

static void decode(uint8_t version, const char *line)
{
	static uint8_t raw[65536];
	struct of_instructions ins = {0};
	enum of_error err;
	size_t len = 0;
	unsigned byte;
	char *text;

	for (; len < sizeof(raw) && sscanf(line, "%2x", &byte) == 1; line += 2)
		raw[len++] = (uint8_t)byte;
	err = of_actions_decode(version, of_rd_make(raw, len), NULL, &ins.apply, &ins);
	if (err) {
		struct of_error_code c = of_error_code(version, err);

		printf("%u,%u\n", c.type, c.code);
		return;
	}
	text = of_instructions_format(&ins, NULL);
	printf("%s ", text);
	put_hex(version, &ins);
	free(text);
	of_instructions_free(&ins);
}

static void encode(uint8_t version, const char *line)
{
	struct of_instructions ins;
	char err[256];

	if (of_instructions_parse(line, NULL, &ins, err, sizeof(err))) {
		printf("error: %s\n", err);
		return;
	}
	put_hex(version, &ins);
	of_instructions_free(&ins);
}

/* A flow as a dump has it, from its match on. */
static void flow(const char *line)
{
	struct of_flow_mod fm;
	char err[256], *text, *at;
	struct of_flow_stats fs = {0};
	struct hal_cmatch *cm;

	if (of_flow_mod_parse(line, OF_FLOW_ADD, NULL, &fm, err, sizeof(err))) {
		printf("error: %s\n", err);
		return;
	}
	cm = hal_cmatch_new(&fm.match);
	fs.match = cm;
	fs.ins = &fm.ins;
	fs.priority = fm.priority;
	text = of_flow_stats_format(&fs, NULL);
	at = text ? strstr(text, "idle_age=0, ") : NULL;
	printf("%s\n", at ? at + strlen("idle_age=0, ") : "");
	free(text);
	free(cm);
	of_instructions_free(&fm.ins);
}

int main(int argc, char **argv)
{
	static char line[140000];
	uint8_t version = argc > 1 && !strcmp(argv[1], "OpenFlow10") ? OFP10 : OFP13;
	bool decodes = argc > 2 && !strcmp(argv[2], "decode");

	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		if (decodes)
			decode(version, line);
		else if (argc > 2 && !strcmp(argv[2], "flow"))
			flow(line);
		else
			encode(version, line);
		fflush(stdout);
	}
	return 0;
}
