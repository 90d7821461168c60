// Command predict is the Lambda function for requests (API Gateway, Function
// URLs, load balancers) and direct invocations. It links no cloud SDK.
package main

import (
	"example.com/copse/functions/internal/setup"
	"example.com/copse/functions/lambda/internal/boot"
)

func main() { boot.Main(setup.Options{}) }
