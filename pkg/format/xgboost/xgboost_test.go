package xgboost_test

import (
	"testing"

	"example.com/copse/pkg/format/casetest"
	"example.com/copse/pkg/format/xgboost"
)

// TestCases holds the reader to what XGBoost itself answered, for every
// generation of its files.
func TestCases(t *testing.T) { casetest.Run(t, xgboost.Library, xgboost.Read) }
