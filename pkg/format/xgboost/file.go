package xgboost

import (
	"math"
	"strconv"
)

// maxFeatures is what a schema takes.
const maxFeatures = 65535

// file is what has been read of one.
type file struct {
	*document
	version    string
	release    [3]int32 // its first three numbers
	param      param
	objective  string
	names      []string
	types      []string
	best       int // of boosting's iterations, or -1
	booster    booster
	hasLearner bool
}

// param is learner_model_param.
type param struct {
	at                         int64 // in the file; 0 where it is absent
	base                       []float32
	features, classes, targets int
}

// top reads the outermost object.
func (f *file) top() {
	f.best = -1
	f.object(func(key []byte) {
		switch string(key) {
		case "version":
			f.readVersion()
		case "learner":
			f.hasLearner = true
			f.object(f.learner)
		default:
			f.skip()
		}
	})
	switch {
	case f.err != nil:
	case !f.hasLearner:
		f.fail("has no member learner: save the model with Booster.save_model")
	case f.param.at == 0:
		f.failAt(f.offset(), "/learner", "has no member learner_model_param")
	case f.booster.name == "":
		f.failAt(f.offset(), "/learner", "has no member gradient_booster with a name")
	}
}

func (f *file) readVersion() {
	for i, n := range f.ints(nil) {
		if i > 0 {
			f.version += "."
		}
		f.version += strconv.Itoa(int(n))
		if i < len(f.release) {
			f.release[i] = n
		}
		if i == 2 {
			return
		}
	}
}

func (f *file) learner(key []byte) {
	switch string(key) {
	case "attributes":
		f.object(f.attribute)
	case "feature_names":
		f.names = f.texts(f.names)
	case "feature_types":
		f.types = f.texts(f.types)
	case "gradient_booster":
		f.gradientBooster()
	case "learner_model_param":
		f.param = param{at: f.offset(), targets: 1}
		f.object(f.modelParam)
	case "objective":
		f.object(func(key []byte) {
			if string(key) == "name" {
				f.objective = string(f.text())
				return
			}
			f.skip()
		})
	default:
		f.skip()
	}
}

// attribute reads what early stopping left; others are the user's own.
func (f *file) attribute(key []byte) {
	if string(key) == "best_iteration" {
		f.best = f.count(math.MaxInt32)
		return
	}
	f.skip()
}

func (f *file) texts(list []string) []string {
	f.array(func(i int) {
		if i >= maxFeatures {
			f.fail("more than %d features", maxFeatures)
			return
		}
		list = append(list, string(f.text()))
	})
	return list
}

// modelParam reads what XGBoost writes as texts.
func (f *file) modelParam(key []byte) {
	switch string(key) {
	case "base_score":
		f.param.base = f.scores()
	case "num_feature":
		f.param.features = f.count(maxFeatures)
	case "num_class":
		f.param.classes = f.count(maxOutputs)
	case "num_target":
		f.param.targets = f.count(maxOutputs)
	default:
		f.skip()
	}
}

// scores reads base_score: a number, or since 3.1 a list of them, as a text.
func (f *file) scores() (list []float32) {
	at := f.offset()
	t, s := f.syntax.value(true)
	switch t {
	case nothing:
		return nil
	case number:
		return append(list, float32(s.float))
	case text:
		var ok bool
		if list, ok = parseScores(s.text); ok {
			return list
		}
	}
	f.failAt(at, "", "want a number, or a list of numbers, as a text")
	return nil
}

// parseScores reads 5E-1 or [5E-1,2E0].
func parseScores(b []byte) (list []float32, ok bool) {
	many := len(b) > 1 && b[0] == '[' && b[len(b)-1] == ']'
	if many {
		b = b[1 : len(b)-1]
	}
	for {
		var d decimal
		n := d.scan(b)
		if n == 0 {
			return nil, false
		}
		list = append(list, d.float32(b[:n]))
		switch {
		case n == len(b):
			return list, true
		case !many || b[n] != ',':
			return nil, false
		}
		b = b[n+1:]
	}
}
