package catboost_test

import (
	"testing"

	"example.com/copse/pkg/format/casetest"
	"example.com/copse/pkg/format/catboost"
)

// TestCases holds the reader to CatBoost's own answers.
func TestCases(t *testing.T) {
	casetest.Run(t, catboost.Library, catboost.Read)
}
