// Package copse registers the functions that Google's build pack serves; it
// takes them from a module's root. The work is done in functions/gcf.
package copse

import (
	"github.com/GoogleCloudPlatform/functions-framework-go/functions"

	"example.com/copse/functions/gcf"
	"example.com/copse/functions/gcf/drivers"
)

func init() {
	f := gcf.Start(drivers.All())
	functions.HTTP("Predict", f.Predict)
	functions.HTTP("OnEvent", f.OnEvent)
}
