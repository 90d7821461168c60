// Package pagetest tests, against the real copse command as a process, what a
// person and a tool see of the HTTP interface: the page /docs in a real
// Chromium, and /openapi.json with schemathesis.
//
// It is a package of tests only, beside httpapi and not in it, so that the
// browser's driver stays away from what is built.
package pagetest
