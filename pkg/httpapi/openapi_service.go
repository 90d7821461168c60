package httpapi

import "strconv"

// servicePaths are the routes that do not predict.
func servicePaths() object {
	text := object{{"type", "string"}}
	status := func(words ...any) object {
		return object{{"application/json", object{{"schema", closed(object{{"status", object{{"enum", words}}}}, nil)}}}}
	}
	return object{
		{"/docs", page("docs", "An interactive page made from the models' schemas",
			object{{"text/html", object{{"schema", text}}}})},
		{"/openapi.json", page("openapi", "This document",
			object{{"application/json", object{{"schema", object{{"type", "object"}}}}}})},
		{"/models", read("models", "The models with their schemas and digests",
			object{{"application/json", object{{"schema", ref("schemas", "Models")}}}}, 500)},
		{"/healthz", read("healthz", "Liveness: the process answers", status("alive"))},
		{"/readyz", read("readyz", "Readiness: 503 once the process is about to stop", status("ready"), 503)},
		{"/metrics", read("metrics", "Counters in Prometheus' text format",
			object{{"text/plain", object{{"schema", text}}}})},
	}
}

// read is a path that is only read: GET, and HEAD with the same statuses.
func read(id, summary string, content object, failures ...int) object {
	reply := func(content object) object {
		responses := object{{"200", ok("The whole of it.", content)}, {"405", problemRef(405)}}
		for _, status := range failures {
			responses = responses.with(strconv.Itoa(status), problemRef(status))
		}
		return responses
	}
	return methods(id, summary, nil, reply(content), reply(nil))
}

// page is a path whose reply carries an ETag.
func page(id, summary string, content object) object {
	reply := func(content object) object {
		etag := member{"ETag", ref("headers", "ETag")}
		same := ok("It is still the same.", nil, etag)
		return object{{"200", ok("The whole of it.", content, etag)}, {"304", same[:2]},
			{"405", problemRef(405)}, {"500", problemRef(500)}}
	}
	return methods(id, summary, ref("parameters", "IfNoneMatch"), reply(content), reply(nil))
}

func methods(id, summary string, parameter object, get, head object) object {
	make := func(id, summary string, responses object) object {
		op := operation(id, "service", summary)
		if parameter != nil {
			op[3].value = []any{ref("parameters", "RequestId"), parameter}
		}
		return op.with("responses", responses)
	}
	return object{
		{"get", make(id, summary, get)},
		{"head", make(id+"_head", summary+": headers only", head)},
	}
}

func modelsSchema() object {
	text := object{{"type", "string"}}
	entry := object{
		{"type", "object"},
		{"properties", object{
			{"name", text},
			{"digest", object{{"type", "string"}, {"pattern", "^sha256:[0-9a-f]{64}$"}}},
			{"default", object{{"type", "boolean"}}},
			{"library", text},
			{"trees", object{{"type", "integer"}, {"minimum", 1}}},
			{"schema", object{{"type", "object"}, {"required", []any{"features"}}}},
		}},
		{"required", []any{"name", "digest", "default", "library", "schema"}},
	}
	return closed(object{{"models", listOf(entry)}}, nil)
}
