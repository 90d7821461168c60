package catboost

import (
	"encoding/json"
	"strconv"
	"strings"

	"example.com/copse/pkg/format/jsonscan"
	"example.com/copse/pkg/format/readerr"
	"example.com/copse/pkg/ir"
)

// info is what model_info tells.
type info struct {
	version   string
	loss      string   // with its parameters, as CatBoost writes it
	names     []string // of classes
	toLabel   []int    // class of each output
	threshold float64  // of the probability; 0 where there is none
}

// lossName is the loss function without its parameters.
func (i *info) lossName() string {
	name, _, _ := strings.Cut(i.loss, ":")
	return name
}

func (f *file) modelInfo() {
	f.object(func(name string) {
		switch name {
		case "params":
			f.params()
		case "class_params", "multiclass_params": // the second one before 1.0
			f.classes()
		case "catboost_version_info":
			f.info.version = version(f.Text())
		case "binclass_probability_threshold":
			text := f.Text()
			x, err := strconv.ParseFloat(text, 64)
			if err != nil {
				f.Fail("a threshold that is no number: %q", jsonscan.Clip(text))
			}
			f.info.threshold = x
		default:
			f.Skip()
		}
	})
}

// object reads an object, or passes over anything else: what a library tells
// about a model may be absent.
func (f *file) object(member func(name string)) {
	if f.Next() == '{' {
		f.Object(member)
	} else {
		f.Skip()
	}
}

// version is "1.2.10" in a text with "Branch: tags/v1.2.10".
func version(text string) string {
	const mark = "tags/v"
	_, rest, found := strings.Cut(text, mark)
	if !found {
		return ""
	}
	end := strings.IndexFunc(rest, func(r rune) bool { return r != '.' && (r < '0' || r > '9') })
	if end >= 0 {
		rest = rest[:end]
	}
	return jsonscan.Clip(rest)
}

func (f *file) params() {
	f.object(func(name string) {
		if name == "loss_function" {
			f.loss()
		} else {
			f.Skip()
		}
	})
}

// loss reads {"type": …, "params": {…}} into CatBoost's own "type:a=1;b=2".
func (f *file) loss() {
	kind := ""
	var params []string
	f.object(func(name string) {
		switch name {
		case "type":
			kind = f.Text()
		case "params":
			f.object(func(name string) {
				if f.Next() != '"' || strings.HasPrefix(name, "__") {
					f.Skip()
					return
				}
				params = append(params, name+"="+f.Text())
			})
		default:
			f.Skip()
		}
	})
	f.info.loss = kind
	if len(params) > 0 {
		f.info.loss += ":" + strings.Join(params, ";")
	}
}

func (f *file) classes() {
	kind := ""
	var names []any
	f.object(func(name string) {
		switch name {
		case "class_label_type":
			kind = f.Text()
		case "class_names":
			f.list(func() {
				names = append(names, f.className())
				f.fewClasses(len(names))
			})
		case "class_to_label":
			f.info.toLabel = nil
			f.list(func() {
				f.info.toLabel = append(f.info.toLabel, int(f.Number()))
				f.fewClasses(len(f.info.toLabel))
			})
		default:
			f.Skip()
		}
	})
	f.info.names = make([]string, len(names))
	for i, n := range names {
		f.info.names[i] = label(n, kind)
	}
}

func (f *file) fewClasses(n int) {
	if n > ir.MaxOutputs {
		f.Fail("more than %d classes", ir.MaxOutputs)
	}
}

// className reads a text, a number (as its text) or a boolean.
func (f *file) className() any {
	switch f.Next() {
	case '"':
		return f.Text()
	case 't', 'f':
		return f.Boolean()
	}
	return f.Number()
}

// label is a class's name as CatBoost's predict returns it and Python prints
// it: True, 3, 10.5, setosa.
func label(name any, kind string) string {
	switch name := name.(type) {
	case string:
		return name
	case bool:
		if name {
			return "True"
		}
		return "False"
	case float64:
		text, err := json.Marshal(name)
		if err != nil {
			return strconv.FormatFloat(name, 'g', -1, 64)
		}
		if kind == "Float" && !strings.ContainsAny(string(text), ".e") {
			return string(text) + ".0"
		}
		return string(text)
	}
	return ""
}

// family is what a loss function means for the answer.
type family uint8

const (
	regression family = iota
	exponential
	binary
	multiclass
	oneVsAll
	multilabel
	uncertainty
)

func (i *info) family() family {
	switch i.lossName() {
	case "Logloss", "CrossEntropy", "Focal":
		return binary
	case "MultiClass":
		return multiclass
	case "MultiClassOneVsAll":
		return oneVsAll
	case "MultiLogloss", "MultiCrossEntropy":
		return multilabel
	case "Poisson", "Tweedie":
		return exponential
	case "RMSEWithUncertainty":
		return uncertainty
	}
	return regression // their predict, and that of ranking, returns the margin
}

// finish adds to fin what predict makes of margins.
func (i *info) finish(fin *ir.Finish, width int) error {
	family := i.family()
	if (family == binary || family == exponential) && width != 1 {
		return readerr.New(Library, "leaves have %d numbers, which does not fit the loss function %s", width, jsonscan.Clip(i.loss))
	}
	switch family {
	case binary:
		fin.Link, fin.Returns = ir.Sigmoid, ir.ReturnsBoth
		if i.threshold != 0 && i.threshold != 0.5 {
			return readerr.At(Library, "/model_info/binclass_probability_threshold",
				"class 1 begins at the probability %v, not at 0.5, which is not supported: call set_probability_threshold(0.5), save again, and compare probabilities yourself", i.threshold)
		}
	case multiclass:
		fin.Link = ir.FastSoftmax
	case oneVsAll, multilabel:
		fin.Link = ir.Sigmoid
	case exponential:
		fin.Link = ir.FastExp
	case uncertainty:
		return readerr.New(Library, "the loss function RMSEWithUncertainty is not supported: its second number is a variance, with a transform of its own")
	}
	return nil
}

// labels are the names of classes, if the model tells classes apart.
func (i *info) labels(width int) ([]string, error) {
	switch i.family() {
	case binary:
		if len(i.names) == 0 {
			return []string{"0", "1"}, nil // CrossEntropy is trained on probabilities
		}
		width = 2
	case multiclass, oneVsAll:
	default:
		return nil, nil
	}
	for at, class := range i.toLabel {
		if class != at {
			return nil, readerr.At(Library, "/model_info/class_params/class_to_label",
				"output %d is class %d: models of which some classes had no rows are not supported", at, class)
		}
	}
	if len(i.names) > 0 && len(i.names) != width {
		return nil, readerr.At(Library, "/model_info/class_params/class_names", "%d names for %d classes", len(i.names), width)
	}
	if len(i.names) == 0 {
		for at := range width {
			i.names = append(i.names, strconv.Itoa(at))
		}
	}
	return i.names, nil
}
