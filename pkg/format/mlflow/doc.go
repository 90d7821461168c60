// Package mlflow reads MLflow model folders: the model file of the xgboost,
// lightgbm, catboost or onnx flavour, the signature as a schema, and the input
// example as rows for the self-test. Python code and pickles in a folder are
// never touched.
//
// # The folder
//
//	MLmodel                  YAML: flavors.NAME.data is the model file, told by its content
//	  signature.inputs       JSON in a text: [{"name", "type", "required"}…], or one tensor
//	  saved_input_example_info.artifact_path
//	input_example.json       {"columns","data"}, a list of records, or a list of lists
//
// (mlflow/models/model.py, mlflow/types/schema.py, mlflow/models/utils.py.)
//
// Question: whose feature names count? Choice: the signature's, because they
// are the contract that a caller of the folder knows. A library may have none
// (ONNX) or change them (LightGBM writes _ for a space). They are matched by
// name where the same names stand on both sides, else by position.
//
// Only functions/local imports this package: a function loads the bundle that
// copse compile makes of a folder, so that no function links YAML.
package mlflow
