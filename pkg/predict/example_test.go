package predict_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"example.com/copse/pkg/predict"
)

// From a model file to a prediction.
func Example() {
	data, err := os.ReadFile("../../model/iris.copse")
	if err != nil {
		log.Fatal(err)
	}
	model, err := predict.Open("iris", data, predict.Options{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(model.Answer(context.Background(), 5.1, 3.5, 1.4, 0.2))
	// Output: [1 0 0] setosa <nil>
}
