package lightgbm_test

import (
	"reflect"
	"strings"
	"testing"

	"example.com/copse/pkg/schema"
)

// frame is a file of five features with the given lines.
func frame(infos, parameters, pandas string) string {
	text := small
	for _, r := range [][2]string{
		{"max_feature_idx=2", "max_feature_idx=4"},
		{"feature_names=a b c", "feature_names=a b c d e"},
		{"feature_infos=[0:9] 0:1:40 none", infos},
		{"[categorical_feature: 1]", parameters},
		{"pandas_categorical:null", "pandas_categorical:" + pandas},
	} {
		text = strings.Replace(text, r[0], r[1], 1)
	}
	return text
}

// TestCategories: whose the lists of pandas_categorical are.
func TestCategories(t *testing.T) {
	const mixed = "feature_infos=[-1.5:2] 0:2:1 [0:3] 0:1 none"
	for _, tt := range []struct {
		name                      string
		infos, parameters, pandas string
		want                      map[string]string // feature → what it is; "" is a number
		refused                   bool
	}{
		{"as many as parameters say", mixed, "[categorical_feature: 1,3]", `[["x","y","z"],["p","q"]]`, map[string]string{"b": "x,y,z", "d": "p,q"}, false},
		{"no list", mixed, "[categorical_feature: 1,3]", `[]`, nil, false},
		{"none named, one way", "feature_infos=[-1.5:2] 0:2:1 [-1:3] 0:1 [0.5:1]", "[categorical_feature: ]", `[["x","y","z"],["p","q"]]`, map[string]string{"b": "x,y,z", "d": "p,q"}, false},
		{"an ordered one", "feature_infos=[-1.5:2] 0:2:1 [0:3] [-1:1] [0.5:1]", "[categorical_feature: 1]", `[["x","y","z"],["1st","2nd","3rd","4th"]]`, map[string]string{"b": "x,y,z", "c": "1st,2nd,3rd,4th"}, false},
		{"an ordered one of two places", "feature_infos=[-1.5:2] 0:2:1 [0:3] [0:1] [0.5:1]", "[categorical_feature: 1]", `[["x","y","z"],["1st","2nd","3rd","4th"]]`, map[string]string{"b": "x,y,z"}, false},
		{"numbers of two places", "feature_infos=[-1.5:2] 0:2:1 [0:3] [0:1] [0.5:1]", "[categorical_feature: 1]", `[["x","y","z"],[5,6,7,8]]`, nil, true},
		{"booleans of two places", "feature_infos=[-1.5:2] 0:1 0:1 [-1:1] [0.5:1]", "", `[[true,false]]`, nil, true},
		{"more codes than texts", mixed, "[categorical_feature: 1,2]", `[["x","y"],["p","q","r","s"]]`, map[string]string{"d": "x,y", "e": "p,q,r,s"}, false},
		{"names in the parameters", mixed, "[categorical_feature: name:b,d]", `[["x","y","z"],["p","q"]]`, map[string]string{"b": "x,y,z", "d": "p,q"}, false},
		{"numbers out of order", mixed, "[categorical_feature: 3,1]", `[["x","y","z"],["p","q"]]`, map[string]string{"b": "x,y,z", "d": "p,q"}, false},
		{"none named, all codes", mixed, "[categorical_feature: ]", `[["x","y","z"],[8,9]]`, map[string]string{"b": "x,y,z", "d": "8,9"}, false},
		{"none named, more lists than codes", "feature_infos=none [0:1] 1:0 [0:1] [0.5:1]", "[categorical_feature: ]", `[["1st","2nd"],["p","q"]]`, map[string]string{}, false},
		{"none named, numbers of a feature that is not used", "feature_infos=none none 1:0 [0.2:1] [0.5:1]", "[categorical_feature: ]", `[[3,4],["p","q"]]`, map[string]string{"c": "p,q"}, false},
		{"none named, numbers of one that is", "feature_infos=none [0:1] 1:0 [0.2:1] [0.5:1]", "[categorical_feature: ]", `[[3,4],["p","q"]]`, nil, true},
		{"none named, a category of one text", "feature_infos=2:0 none 1:0:-1 [0.2:1] [0.5:1]", "[categorical_feature: ]", `[["x","y","z"],[-5]]`, map[string]string{"a": "x,y,z", "c": "-5"}, false},
		{"none named, codes that no list has", "feature_infos=2:0 none 7:0:-1 [0.2:1] [0.5:1]", "[categorical_feature: ]", `[["x","y","z"],[-5]]`, nil, true},
		{"none named, codes of others", "feature_infos=0:1 [0.5:1] 7:0:-1 9:0 [0.5:1]", "[categorical_feature: ]", `[["x","y"],[3,4,5,6,7,8,9,10]]`, map[string]string{"c": "3,4,5,6,7,8,9,10", "a": "x,y"}, false},
		{"named, a category of one text", "feature_infos=2:0 none 1:0:-1 [0.2:1] [0.5:1]", "[categorical_feature: 0,2]", `[["x","y","z"],[-5]]`, map[string]string{"a": "x,y,z", "c": "-5"}, false},
		{"no infos", "x=1", "[categorical_feature: 0,4]", `[["x"],["p","q"]]`, map[string]string{"a": "x", "e": "p,q"}, false},
		{"numbers", mixed, "[categorical_feature: 1,3]", `[[10,2.5,-1],[7,8]]`, map[string]string{"b": "10,2.5,-1", "d": "7,8"}, false},
		{"booleans", mixed, "[categorical_feature: 3]", `[[false,true]]`, map[string]string{"d": "boolean"}, false},
		{"booleans in another order", mixed, "[categorical_feature: 3]", `[[true,false]]`, map[string]string{"d": "boolean 1,0"}, false},
		{"an empty list", mixed, "[categorical_feature: 4]", `[[]]`, map[string]string{}, false},
		{"escapes", mixed, "[categorical_feature: 3]", `[["K\u00f6ln","\ud83d\ude00"]]`, map[string]string{"d": "Köln,😀"}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, doc, err := read(frame(tt.infos, tt.parameters, tt.pandas))
			if tt.refused {
				if err == nil || !strings.Contains(err.Error(), "it cannot be told") {
					t.Errorf("got %v, want a refusal", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			for i, f := range doc.Features {
				if what := describe(f, m.Recode, i); what != "" {
					got[f.Name] = what
				}
			}
			if len(got)+len(tt.want) > 0 && !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
			if _, err := schema.New(doc); err != nil {
				t.Error(err)
			}
		})
	}
}

// describe is what TestCategories wants of a feature.
func describe(f schema.Feature, recode [][]float64, i int) string {
	var parts []string
	if recode != nil && recode[i] != nil {
		for _, x := range recode[i] {
			parts = append(parts, ftoa(x))
		}
	}
	switch {
	case f.Missing != schema.Allow:
		return "missing is not allowed"
	case f.Type == schema.Boolean:
		return strings.TrimSpace("boolean " + strings.Join(parts, ","))
	case f.Type == schema.Category && f.Unknown == schema.UnknownMissing:
		return strings.Join(f.Categories, ",")
	case f.Type == schema.Number:
		return strings.Join(parts, ",")
	}
	return "another type"
}
