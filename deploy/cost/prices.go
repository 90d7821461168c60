package main

// price is a public list price.
type price struct {
	name string
	usd  float64
	unit string
	page string
}

// pricesOf is when the list was put down.
const pricesOf = "November 2026"

// List prices of us-east-1 and us-central1, without free tiers, discounts and
// taxes.
var (
	lambdaTime     = price{"Lambda, arm64", 0.0000133334, "GB-second", "https://aws.amazon.com/lambda/pricing/"}
	lambdaCall     = price{"Lambda, request", 0.20 / 1e6, "request", "https://aws.amazon.com/lambda/pricing/"}
	sqsRequest     = price{"SQS standard, request of 64 KB", 0.40 / 1e6, "request", "https://aws.amazon.com/sqs/pricing/"}
	transition     = price{"Step Functions Standard, state transition", 25.0 / 1e6, "transition", "https://aws.amazon.com/step-functions/pricing/"}
	s3Get          = price{"S3, GET", 0.0004 / 1e3, "request", "https://aws.amazon.com/s3/pricing/"}
	s3Put          = price{"S3, PUT and LIST", 0.005 / 1e3, "request", "https://aws.amazon.com/s3/pricing/"}
	dataflowCPU    = price{"Dataflow batch, CPU", 0.056, "vCPU-hour", "https://cloud.google.com/dataflow/pricing"}
	dataflowMemory = price{"Dataflow batch, memory", 0.003557, "GB-hour", "https://cloud.google.com/dataflow/pricing"}
	dataflowDisk   = price{"Dataflow, standard disk", 0.000054, "GB-hour", "https://cloud.google.com/dataflow/pricing"}
)

var prices = []price{lambdaTime, lambdaCall, sqsRequest, transition, s3Get, s3Put, dataflowCPU, dataflowMemory, dataflowDisk}
