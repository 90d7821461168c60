package mlflow

import (
	"encoding/json"

	"example.com/copse/pkg/format"
	"example.com/copse/pkg/format/jsonscan"
	"example.com/copse/pkg/format/readerr"
	"example.com/copse/pkg/schema"
)

// input is one of a signature's inputs.
type input struct {
	Name     string          `json:"name"`
	Type     json.RawMessage `json:"type"` // a text, or an object for nested types
	Required *bool           `json:"required"`
	Tensor   struct {
		Shape []int `json:"shape"`
	} `json:"tensor-spec"`
}

// kind is the type's name, or "" for a nested type.
func (in *input) kind() (name string) {
	if json.Unmarshal(in.Type, &name) != nil {
		return ""
	}
	return name
}

// readInputs reads signature.inputs: a text with JSON in it. A model without a
// signature has none.
func readInputs(value any) ([]input, error) {
	if value == nil {
		return nil, nil
	}
	text, ok := value.(string)
	if !ok {
		return nil, readerr.At(Format, Name, "signature.inputs is no text")
	}
	var inputs []input
	if err := json.Unmarshal([]byte(text), &inputs); err != nil {
		e := readerr.At(Format, Name, "signature.inputs is not MLflow's JSON")
		e.Err = err
		return nil, e
	}
	return inputs, nil
}

// apply gives the model the signature's names, types and missing values.
// Tensors have no columns to tell of.
func apply(inputs []input, m *format.Model) error {
	if len(inputs) == 0 || inputs[0].kind() == "tensor" {
		return nil
	}
	features := m.Schema.Features
	if len(inputs) != len(features) {
		return readerr.At(Format, Name, "the signature has %d inputs, the model %d features: log the model without what prepares its inputs, or with its own signature",
			len(inputs), len(features))
	}
	for i, at := range match(inputs, m.IR.FeatureNames) {
		in := &inputs[at]
		if in.Name != "" {
			features[i].Name, m.IR.FeatureNames[i] = in.Name, in.Name
		}
		if err := in.refine(&features[i]); err != nil {
			return err
		}
	}
	return nil
}

// match finds the input of each feature: by name if all names are on both
// sides, else by position.
func match(inputs []input, names []string) []int {
	place := make(map[string]int, len(inputs))
	for i := range inputs {
		place[inputs[i].Name] = i
	}
	byName, byPlace := make([]int, len(names)), make([]int, len(names))
	all := len(place) == len(inputs)
	for i, name := range names {
		at, ok := place[name]
		all = all && ok
		byName[i], byPlace[i] = at, i
	}
	if all {
		return byName
	}
	return byPlace
}

// refine tells a feature what the signature knows of it. What the model file
// says of categories stays.
func (in *input) refine(f *schema.Feature) error {
	switch in.kind() {
	case "integer", "long":
		if f.Type == schema.Number {
			f.Type = schema.Integer
		}
	case "boolean":
		if f.Type == schema.Number {
			f.Type = schema.Boolean
		}
	case "float", "double", "":
	case "string":
		if f.Type != schema.Category {
			return readerr.At(Format, Name, "the input %q is a text, and the model file has no categories for it", jsonscan.Clip(in.Name))
		}
	default:
		return readerr.At(Format, Name, "the input %q is of the type %s, which no model here reads", jsonscan.Clip(in.Name), jsonscan.Clip(in.kind()))
	}
	// A category that was not seen in training counts as missing, and must then
	// be allowed to.
	if in.Required != nil && *in.Required && f.Missing == schema.Allow && f.Type != schema.Category {
		f.Missing = schema.Refuse
	}
	return nil
}
