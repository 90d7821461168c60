// Command cost works out what scoring many rows costs and how long it takes, by
// functions behind a queue, by a Distributed Map over objects, and by Beam on
// Dataflow:
//
//	go run ./deploy/cost
//	go run ./deploy/cost -rows 2e8 -row-bytes 120 -concurrency 200
//	go run ./deploy/cost -csv-rows-per-second 400000 -markdown
//
// Speeds are those that the README's measured block has, unless flags give
// others; prices are the list of prices.go. What is neither measured nor a
// price is an assumption, and a flag. The output says of each figure where it
// is from.
//
// Question: is a function's CPU as fast as the one that was measured? Choice: it
// is taken to be, and -speed says otherwise. Measure it with your own model:
// the log of an events function has rows and milliseconds.
package main
