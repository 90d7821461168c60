// Command bare is the control of start-up measurements: the smallest function
// that aws-lambda-go makes.
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"
)

func main() {
	lambda.Start(func(context.Context) (string, error) { return "ok", nil })
}
