package catboost

import (
	"strconv"

	"example.com/copse/pkg/format/jsonscan"
	"example.com/copse/pkg/format/readerr"
	"example.com/copse/pkg/ir"
)

// floatFeature is one of features_info.float_features.
type floatFeature struct {
	name      string
	index     int32 // among float features; splits count in it
	column    int32 // among all features
	nanIsTrue bool  // NaN is greater than every border
}

func (f *file) features() {
	f.Object(func(name string) {
		switch name {
		case "float_features":
			f.list(f.floatFeature)
		case "categorical_features", "ctrs", "text_features", "embedding_features", "estimated_features":
			f.notNumeric()
		default:
			f.Skip()
		}
	})
}

// notNumeric refuses features that are not numbers, by name where it is told.
func (f *file) notNumeric() {
	f.list(func() {
		id, name := "", ""
		f.Object(func(member string) {
			switch member {
			case "feature_id":
				id = f.Text()
			case "feature_name":
				name = f.Text()
			case "flat_feature_index":
				if n := f.Integer(ir.MaxFeatures); id == "" {
					id = "number " + strconv.FormatInt(n, 10)
				}
			default:
				f.Skip()
			}
		})
		if name == "" {
			name = id
		}
		f.Fail("feature %q: %s", jsonscan.Clip(name), numericOnly)
	})
}

func (f *file) floatFeature() {
	feature := floatFeature{index: int32(len(f.floats)), column: int32(len(f.floats))}
	id, hasNaNs, asTrue := "", false, false
	f.Object(func(name string) {
		switch name {
		case "feature_id":
			id = f.Text()
		case "feature_name":
			feature.name = f.Text()
		case "feature_index":
			feature.index = int32(f.Integer(ir.MaxFeatures - 1))
		case "flat_feature_index":
			feature.column = int32(f.Integer(ir.MaxFeatures - 1))
		case "has_nans":
			hasNaNs = f.Boolean()
		case "nan_value_treatment":
			asTrue = f.nanTreatment()
		default:
			f.Skip()
		}
	})
	if feature.name == "" {
		feature.name = id
	}
	feature.nanIsTrue = hasNaNs && asTrue
	switch {
	case int(feature.index) != len(f.floats):
		f.Fail("float feature %d stands at place %d", feature.index, len(f.floats))
	case len(f.floats) > 0 && feature.column <= f.floats[len(f.floats)-1].column:
		f.Fail("column %d does not follow column %d", feature.column, f.floats[len(f.floats)-1].column)
	}
	f.floats = append(f.floats, feature)
}

func (f *file) nanTreatment() (asTrue bool) {
	switch text := f.Text(); text {
	case "AsIs", "AsFalse":
		return false
	case "AsTrue":
		return true
	default:
		f.Fail("nan_value_treatment %q is none of AsIs, AsFalse, AsTrue", jsonscan.Clip(text))
		return false
	}
}

// columns names every column: as the file does, or f0, f1 … where it has no
// names or only the numbers that CatBoost takes for names.
func (f *file) columns() ([]string, error) {
	if len(f.floats) == 0 {
		return nil, readerr.At(Library, "/features_info", "the model has no float features")
	}
	last := f.floats[len(f.floats)-1].column
	if int(last) >= len(f.floats) {
		// All columns of the training data stand in the file, used or not, so
		// those between are not numeric.
		return nil, readerr.At(Library, "/features_info", "the %d float features are columns up to %d: %s",
			len(f.floats), last, numericOnly)
	}
	named := false
	for _, feature := range f.floats {
		named = named || feature.name != "" && feature.name != strconv.Itoa(int(feature.column))
	}
	names := make([]string, len(f.floats))
	for i, feature := range f.floats {
		names[i] = feature.name
		if !named || names[i] == "" {
			names[i] = "f" + strconv.Itoa(i)
		}
	}
	return names, nil
}
