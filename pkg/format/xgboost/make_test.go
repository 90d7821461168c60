package xgboost

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
)

// members is an object, in the order in which it is written; a value is another
// one, a list of anything, a list of numbers of one type, or a scalar.
type (
	members []pair
	pair    struct {
		key   string
		value any
	}
	list []any
)

// set returns a copy in which the value at a path is another one; nil takes the
// member away.
func (m members) set(value any, path ...string) members {
	out := append(members(nil), m...)
	for i := range out {
		if out[i].key != path[0] {
			continue
		}
		if len(path) > 1 {
			out[i].value = setIn(out[i].value, value, path[1:])
			return out
		}
		if value == nil {
			return append(out[:i], out[i+1:]...)
		}
		out[i].value = value
		return out
	}
	if len(path) > 1 {
		panic("no member " + path[0])
	}
	return append(out, pair{path[0], value})
}

func setIn(in, value any, path []string) any {
	switch in := in.(type) {
	case members:
		return in.set(value, path...)
	case list:
		out := append(list(nil), in...)
		i, err := strconv.Atoi(path[0])
		if err != nil {
			panic(err)
		}
		if len(path) == 1 {
			out[i] = value
		} else {
			out[i] = setIn(out[i], value, path[1:])
		}
		return out
	}
	panic(fmt.Sprintf("%T has no members", in))
}

// shuffled has the members of all objects in another order.
func shuffled(v any, r *rand.Rand) any {
	switch v := v.(type) {
	case members:
		out := make(members, len(v))
		for i, j := range r.Perm(len(v)) {
			out[i] = pair{v[j].key, shuffled(v[j].value, r)}
		}
		return out
	case list:
		out := make(list, len(v))
		for i := range v {
			out[i] = shuffled(v[i], r)
		}
		return out
	}
	return v
}

// appendJSON writes JSON as XGBoost does, with more white space if wide.
func appendJSON(b []byte, v any, wide bool) []byte {
	space := func(b []byte) []byte {
		if wide {
			b = append(b, " \n\t\r"...)
		}
		return b
	}
	switch v := v.(type) {
	case members:
		b = append(b, '{')
		for i, m := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = space(appendJSON(space(b), m.key, wide))
			b = appendJSON(space(append(b, ':')), m.value, wide)
		}
		return append(space(b), '}')
	case list:
		return appendList(b, len(v), space, func(b []byte, i int) []byte { return appendJSON(b, v[i], wide) })
	case []float32:
		return appendList(b, len(v), space, func(b []byte, i int) []byte { return appendJSON(b, v[i], wide) })
	case []int32:
		return appendList(b, len(v), space, func(b []byte, i int) []byte { return strconv.AppendInt(b, int64(v[i]), 10) })
	case []uint8:
		return appendList(b, len(v), space, func(b []byte, i int) []byte { return strconv.AppendInt(b, int64(v[i]), 10) })
	case float32:
		return appendFloat(b, float64(v), 32)
	case float64:
		return appendFloat(b, v, 64)
	case string:
		return strconv.AppendQuote(b, v)
	case nil:
		return append(b, "null"...)
	}
	return fmt.Append(b, v) // int, bool
}

func appendFloat(b []byte, x float64, bits int) []byte {
	switch {
	case math.IsNaN(x):
		return append(b, "NaN"...)
	case math.IsInf(x, 0):
		return append(b, map[bool]string{true: "-Infinity", false: "Infinity"}[x < 0]...)
	}
	return strconv.AppendFloat(b, x, 'E', -1, bits)
}

func appendList(b []byte, n int, space func([]byte) []byte, element func([]byte, int) []byte) []byte {
	b = append(b, '[')
	for i := range n {
		if i > 0 {
			b = append(b, ',')
		}
		b = element(space(b), i)
	}
	return append(space(b), ']')
}

// style is how UBJSON is written: XGBoost counts lists and types numbers, other
// writers may do neither.
type style struct{ typed, counted, small bool }

var asXGBoost = style{typed: true, counted: true}

func (s style) length(b []byte, n int) []byte {
	if s.small && n < 128 {
		return append(b, 'i', byte(n))
	}
	return binary.BigEndian.AppendUint64(append(b, 'L'), uint64(n))
}

func (s style) appendUBJSON(b []byte, v any) []byte {
	switch v := v.(type) {
	case members:
		b = append(b, '{')
		if s.small {
			b = s.length(append(b, '#'), len(v))
		}
		for _, m := range v {
			b = append(s.length(b, len(m.key)), m.key...)
			b = s.appendUBJSON(b, m.value)
		}
		if s.small {
			return b
		}
		return append(b, '}')
	case list:
		return s.list(b, 0, len(v), func(b []byte, i int) []byte { return s.appendUBJSON(b, v[i]) })
	case []float32:
		return s.list(b, 'd', len(v), func(b []byte, i int) []byte {
			return binary.BigEndian.AppendUint32(b, math.Float32bits(v[i]))
		})
	case []int32:
		return s.list(b, 'l', len(v), func(b []byte, i int) []byte { return binary.BigEndian.AppendUint32(b, uint32(v[i])) })
	case []uint8:
		return s.list(b, 'U', len(v), func(b []byte, i int) []byte { return append(b, v[i]) })
	case float32:
		return binary.BigEndian.AppendUint32(append(b, 'd'), math.Float32bits(v))
	case float64:
		return binary.BigEndian.AppendUint64(append(b, 'D'), math.Float64bits(v))
	case string:
		return append(s.length(append(b, 'S'), len(v)), v...)
	case int:
		return binary.BigEndian.AppendUint64(append(b, 'L'), uint64(v))
	case bool:
		return append(b, map[bool]byte{true: 'T', false: 'F'}[v])
	case nil:
		return append(b, 'Z')
	}
	panic(fmt.Sprintf("%T has no form", v))
}

// list writes an array. typ is that of all elements, which then come without
// it, or 0.
func (s style) list(b []byte, typ byte, n int, element func([]byte, int) []byte) []byte {
	b = append(b, '[')
	typed := typ != 0 && s.typed
	if typed {
		b = append(b, '$', typ)
	}
	counted := s.counted || typed
	if counted {
		b = s.length(append(b, '#'), n)
	}
	for i := range n {
		if !counted && s.small {
			b = append(b, 'N')
		}
		if typ != 0 && !typed {
			b = append(b, typ)
		}
		b = element(b, i)
	}
	if counted {
		return b
	}
	return append(b, ']')
}

// makeTree is a complete tree over random features.
func makeTree(r *rand.Rand, id, depth, features int) members {
	inner := 1<<depth - 1
	n := 2*inner + 1
	left, right, parents, feature := make([]int32, n), make([]int32, n), make([]int32, n), make([]int32, n)
	numbers := func() []float32 {
		list := make([]float32, n)
		for i := range list {
			list[i] = float32(r.NormFloat64())
		}
		return list
	}
	missing := make([]uint8, n)
	for i := range n {
		left[i], right[i], parents[i] = -1, -1, int32((i-1)/2)
		if i < inner {
			left[i], right[i], feature[i], missing[i] = int32(2*i+1), int32(2*i+2), int32(r.IntN(features)), uint8(r.IntN(2))
		}
	}
	parents[0] = math.MaxInt32
	return members{
		{"base_weights", numbers()}, {"categories", []int32{}}, {"categories_nodes", []int32{}}, {"categories_segments", []int32{}},
		{"categories_sizes", []int32{}}, {"default_left", missing}, {"id", id}, {"left_children", left}, {"loss_changes", numbers()},
		{"parents", parents}, {"right_children", right}, {"split_conditions", numbers()}, {"split_indices", feature},
		{"split_type", make([]uint8, n)}, {"sum_hessian", numbers()},
		{"tree_param", members{{"num_deleted", "0"}, {"num_feature", strconv.Itoa(features)}, {"num_nodes", strconv.Itoa(n)}, {"size_leaf_vector", "1"}}},
	}
}

// makeModel is a file as XGBoost 3.2 writes it.
func makeModel(trees, depth, features int) members {
	r := rand.New(rand.NewPCG(1, 2))
	var all list
	starts := []int32{0}
	for i := range trees {
		all = append(all, makeTree(r, i, depth, features))
		starts = append(starts, int32(i+1))
	}
	return members{
		{"learner", members{
			{"attributes", members{}},
			{"feature_names", list{}},
			{"feature_types", list{}},
			{"gradient_booster", members{
				{"model", members{
					{"cats", members{{"enc", list{}}, {"feature_segments", []int32{}}, {"sorted_idx", []int32{}}}},
					{"gbtree_model_param", members{{"num_parallel_tree", "1"}, {"num_trees", strconv.Itoa(trees)}}},
					{"iteration_indptr", starts},
					{"tree_info", make([]int32, trees)},
					{"trees", all},
				}},
				{"name", "gbtree"},
			}},
			{"learner_model_param", members{{"base_score", "[5E-1]"}, {"boost_from_average", "1"}, {"num_class", "0"},
				{"num_feature", strconv.Itoa(features)}, {"num_target", "1"}}},
			{"objective", members{{"name", "binary:logistic"}, {"reg_loss_param", members{{"scale_pos_weight", "1"}}}}},
		}},
		{"version", []int32{3, 2, 0}},
	}
}

func asJSON(v any) []byte   { return appendJSON(nil, v, false) }
func asUBJSON(v any) []byte { return asXGBoost.appendUBJSON(nil, v) }

func reader(b []byte) *bytes.Reader { return bytes.NewReader(b) }
