// Package catboost reads models that CatBoost saved with
// save_model(format="json"): oblivious and non-symmetric trees over numeric
// features.
//
// # The file
//
// One JSON object (catboost/libs/model/model_export/json_model_helpers.cpp):
//
//	features_info.float_features[]  flat_feature_index, feature_index, feature_id, feature_name,
//	                                has_nans, nan_value_treatment, borders
//	oblivious_trees[]               splits[] of {border, float_feature_index, split_type},
//	                                leaf_values: 2^splits × outputs numbers
//	trees[]                         instead of them: {split, left, right} down to {value, weight}
//	scale_and_bias                  [scale, [bias of each output]]
//	model_info                      params (loss function), class_params (class names), version
//
// # Answers
//
// Features are float32. A split sends x > border to 1 (right); bit i of a
// leaf's index is the answer of split i. NaN is no greater than any border;
// where has_nans and AsTrue are both set it is greater than all of them. Leaf
// values are added in float64 in the order of the trees, from 0; then comes
// sum × scale + bias, where only a range that begins with the first tree has
// the bias. (catboost/libs/model/cpu: evaluator_impl.cpp, quantization.h.)
//
// Question: which numbers are meant, the trained model's or those of a model
// that CatBoost itself loads from this file? Choice: the trained model's. Its
// leaf values are written with 17 digits, which read back exactly; CatBoost's
// own JSON reader is off in the last bit of some. What would change it: a
// CatBoost that reads them exactly, which changes nothing here.
//
// docs/catboost.md has what is covered, loss by loss.
package catboost
