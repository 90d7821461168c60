package httpapi

import "context"

// makeOpenAPI and makeDocs make the documents at their first request: a
// function that is never asked for them never pays for them.
func (h *Handler) makeOpenAPI() document {
	return newDocument(openAPIDocument(h.modelDocs(), h.docOptions()), jsonType, "")
}

func (h *Handler) makeDocs() document {
	body, policy := docsDocument(h.modelDocs(), h.docOptions())
	return newDocument(body, htmlType, policy)
}

func (h *Handler) docOptions() docOptions {
	return docOptions{byID: h.o.Features != nil, maxBody: h.o.MaxBody, maxRows: h.o.Wire.Rows, version: h.o.Version}
}

func (h *Handler) modelDocs() []modelDoc {
	var docs []modelDoc
	for _, e := range h.describe(context.Background()) {
		docs = append(docs, modelDoc{name: e.Name, digest: e.Digest, trees: e.Trees, outputs: e.outputs, shares: e.shares,
			single: e.single, info: e.Info, schema: e.compiled})
	}
	return docs
}
