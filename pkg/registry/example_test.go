package registry_test

import (
	"context"
	"fmt"
	"log"

	"example.com/copse/pkg/predict"
	"example.com/copse/pkg/registry"
)

// From a model file to a prediction. Any file that pkg/format reads will do,
// or a bundle.
func Example() {
	file, err := registry.Read("../../model/iris.golearn", 1<<20)
	if err != nil {
		log.Fatal(err)
	}
	model, err := file.Open("iris", predict.Options{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(model.Answer(context.Background(), 5.1, 3.5, 1.4, 0.2))
	// Output: [1 0 0] setosa <nil>
}
