/* SPDX-License-Identifier: Apache-2.0
 *
 * The last decisions about rules, as the operator reads them.
 */
#include <errno.h>
#include <stdlib.h>

#include "ofctl/bridge/bridge_priv.h"
#include "ofctl/bridge/explain.h"

#define TEXT_MAX 1024

static json_t *decision_json(struct bridges *b, const struct offload_decision *d)
{
	struct hal_device *dev = offload_device(b->cfg.ol, d->device);
	const char *device = dev ? hal_device_name(dev) : "closed";
	json_t *j = json_pack("{s:I, s:I, s:s, s:s}", "number", (json_int_t)d->number, "when_ms",
		(json_int_t)d->when_ms, "device", device, "decision",
		offload_decision_name(d->type));
	char text[TEXT_MAX], ufid[HAL_UFID_STR];

	if (!j || d->type == DECISION_GONE || d->type == DECISION_RESET || d->type == DECISION_BACK)
		return j;
	hal_ufid_format(&d->ufid, ufid);
	json_object_set_new(j, "ufid", json_string(ufid));
	json_object_set_new(j, "recirc_id", json_integer(d->chain));
	if (d->match) {
		explain_match(b, d->match, text, sizeof(text));
		json_object_set_new(j, "match", json_string(text));
	}
	if (d->type == DECISION_REFUSED)
		json_object_set_new(j, "refusal", explain_refusal(b, device, &d->reason));
	return j;
}

json_t *explain_log(struct bridges *b, unsigned n, const struct hal_ufid *ufid)
{
	json_t *list = json_array();
	uint64_t first, end;

	offload_decisions_range(b->cfg.ol, &first, &end);
	if (!ufid && end - first > n)
		first = end - n;
	for (uint64_t i = first; i < end; i++) {
		struct offload_decision d;

		if (offload_decision_read(b->cfg.ol, i, &d))
			continue; /* newer ones have taken its room */
		if (!ufid || hal_ufid_equal(ufid, &d.ufid))
			json_array_append_new(list, decision_json(b, &d));
		free(d.match);
	}
	return list;
}
