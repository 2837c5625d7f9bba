/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/pipeline/special.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ofctl/openflow/flow_text.h"

enum of_error special_mod(enum of_flow_mod_command command, const char *text,
	const struct of_action *acts, unsigned n)
{
	struct of_flow_mod fm;
	enum of_error error;
	struct of_action *all;
	char err[256];

	if (of_flow_mod_parse(text, command, NULL, &fm, err, sizeof(err))) {
		EXPECT(false, err);
		return OFERR_MAX;
	}
	fm.version = 4;
	all = realloc(fm.ins.apply.a, (fm.ins.apply.n + n) * sizeof(*all));
	if (!all)
		abort();
	fm.ins.apply.a = all;
	for (unsigned i = 0; i < n; i++)
		if (of_action_copy(&all[fm.ins.apply.n++], &acts[i]))
			abort();
	error = pl_flow_mod(rig.br, &fm);
	of_instructions_free(&fm.ins);
	return error;
}

const char *outputs(const char *packet)
{
	static char text[256];
	struct hal_key key = rig_key(packet);
	struct pl_megaflow *m = rig_translate(&key);
	size_t len = 0;

	if (!m)
		return "error";
	text[0] = 0;
	ACTION_FOR_EACH (a, m->mf.program)
		if (a->type == ACTION_OUTPUT && len < sizeof(text) - 8)
			len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%u",
				len ? "," : "", ((const struct hal_act_output *)a)->port - 100);
	megaflow_free(&m->mf);
	return len ? text : "-";
}
