// Package copsebeam scores rows and files with Copse's models in Apache Beam
// pipelines, on any runner that runs Beam's Go SDK: Rows and KeyedRows over
// rows, Files over files whose answers go on in the pipeline, and WriteFiles
// from files to files. Command copse-beam is WriteFiles with flags.
//
// It is a module of its own, so that nobody who imports Copse, and no function,
// gets Beam and what it needs.
//
// Question: how does the model reach the workers? Choice: a bundle of up to
// carriedBytes travels inside the pipeline, as bytes; a larger one is put into
// a file beside the output before the pipeline starts, and the pipeline
// carries its name and its digest. So the workers all have the very model that
// the launching machine read, need no access to where it came from, and a file
// that is replaced while the pipeline runs changes nothing. Why not always a
// file: most models are small, and a pipeline without a file to reach is one
// that cannot fail for it. What would change it: a runner that stages files
// for Go pipelines as it does for the worker's binary.
//
// Question: which filesystem? Choice: Beam's own for listing, writing and
// removing, so that a pipeline reaches what other Beam pipelines reach. It
// reads from a file's start only, so ranges of objects are read through the
// drivers that Copse's functions use. What would change it: a range in Beam's
// interface.
package copsebeam
