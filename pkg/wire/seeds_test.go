package wire

import (
	"strings"
	"testing"

	"example.com/copse/pkg/schema"
)

// mixed is a schema with every type, a name to escape, and names of all
// lengths that the comparison of keys tells apart.
func mixed(t testing.TB) *schema.Schema {
	t.Helper()
	s, err := schema.New(schema.Document{Features: []schema.Feature{
		{Name: "a"},
		{Name: "petal_width"},
		{Name: "n", Type: schema.Integer},
		{Name: "a_name_that_is_longer_than_two_words"},
		{Name: "flag", Type: schema.Boolean, Missing: schema.Allow},
		{Name: "color", Type: schema.Category, Categories: []string{"red", "grün", "a,b", `"q"`}},
		{Name: `quo"te`},
		{Name: "größe"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// flat is a schema of numbers only.
func flat(t testing.TB, names ...string) *schema.Schema {
	t.Helper()
	var doc schema.Document
	for _, name := range names {
		doc.Features = append(doc.Features, schema.Feature{Name: name})
	}
	s, err := schema.New(doc)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var irisNames = []string{"sepal_length", "sepal_width", "petal_length", "petal_width"}

// seed is a body for the table and the fuzz targets.
type seed struct {
	how, body string
}

const inOrderRow = `{"a":1.5,"petal_width":-0.25,"n":3.0,"a_name_that_is_longer_than_two_words":0.12345678901234567,"flag":true,"color":"red","quo\"te":1e-3,"größe":12345678}`

func seeds() []seed {
	rows := []string{
		inOrderRow,
		strings.ReplaceAll(strings.ReplaceAll(inOrderRow, ":", ": "), ",", ", "),
		`{"größe":1,"quo\u0022te":2,"color":"gr\u00fcn","flag":false,"a_name_that_is_longer_than_two_words":4,"n":5,"petal_width":6,"a":7}`,
		`{}`, `{ }`, `{"a":1}`, `{"a":1,}`, `{,}`, `{"a"}`, `{"a":}`, `{"a" : 1 , "n" : 2 }`, `{"a":null,"n":null,"flag":null,"color":null}`,
		`{"a":"1"}`, `{"a":true}`, `{"a":[1,{"x":[]}]}`, `{"a":{}}`, `{"a":[}`, `{"flag":1}`, `{"flag":"true"}`, `{"flag":tru}`, `{"flag":truex}`,
		`{"color":"blue"}`, `{"color":" red "}`, `{"color":1}`, `{"color":"a,b"}`, `{"color":"\"q\""}`, `{"color":"gru\u0308n"}`, `{"color":"` + strings.Repeat("x", 5000) + `"}`,
		`{"a":1,"a":2}`, `{"a":1,"a":2,"a":3}`, `{"a":1,"n":1,"a":2}`, `{"b":1}`, `{"b":1,"b":2}`, `{"pettal_width":1}`, `{"":1}`, `{"a":1e400}`, `{"a":-1e400,"n":1}`, `{"a":1e-400}`,
		`{"a":NaN}`, `{"a":Infinity}`, `{"a":-Infinity}`, `{"a":01}`, `{"a":1.}`, `{"a":.5}`, `{"a":+1}`, `{"a":--1}`, `{"a":1.5.5}`, `{"a":1e5}`, `{"a":1E+5,"petal_width":2}`, `{"a":123456789012}`, `{"a":-}`,
		"{\"a\":1,\"x\xff\":2}", "{\"color\":\"\xff\"}", "{\"color\":\"\x01\"}", `{"color":"\ud800"}`, `{"color":"\udc00"}`, `{"color":"\ud83d\ude00"}`, `{"color":"\ud83dx"}`, `{"color":"\x"}`, `{"color":"\u12g4"}`, `{"color":"`,
		`{"a":1}}`, `{"a":1} x`, `{"a":1}{"a":2}`, "\ufeff" + `{"a":1}`, `[`, `]`, `null`, `"x"`, `5`, `-`, `tru`, ``, ` `, "\n\t\r ", `{"a":1 "n":2}`, `{"a":1,"n"}`, `{"a":1;}`, `{a:1}`, `{'a':1}`, "{\"a\":1,\n\"n\":2}", "{\n  \"a\": 1,\n  \"petal_width\": 2\n}", "{\n  \"a\": 1,\n  \"petal_width\": 2,\n  \"n\": 3\n}", "{\"a\"\t:\r1}",
		`{"id":"x"}`, `{"id":5}`, `{"id":-5}`, `{"id":1.5}`, `{"id":[]}`, `{"id":null}`, `{"\u0069d":"\u0061"}`, `{"id":"x","a":1}`, `{"id":"x","id":"y"}`, `{"id":}`, `{"id":"x"} `, `{"id":"x"}x`, `{"id":"` + strings.Repeat("x", 5000) + `"}`,
		strings.Repeat("[", 100), strings.Repeat("[", 100) + strings.Repeat("]", 100), `{"x":` + strings.Repeat(`{"x":`, 70) + `1` + strings.Repeat("}", 71), `{"a":` + strings.Repeat("[", 63) + strings.Repeat("]", 63) + `}`, `{"a":` + strings.Repeat("[", 64) + strings.Repeat("]", 64) + `}`,
		`{` + strings.Repeat(`"z":1,`, 20) + `"a":1}`, `{"a":1,"petal_width":2,"n":3,"a_name_that_is_longer_than_two_words":4,"flag":true,"color":"red","quo\"te":5,"größe":6,}`,
		`{"a":1,"petal_width":2,"n":3,"a_name_that_is_longer_than_two_words":4,"flag":true,"color":"red","quo\"te":5,"größe":6,"a":7}`,
		`{"n":1,"a":2,"petal_width":3,"n":4}`, `{"petal_width":1,"a":1,"petal_width":1,"n":1}`,
	}
	var all []seed
	for _, r := range rows {
		all = append(all, seed{"row", r}, seed{"batch", r}, seed{"batch", "[" + r + "]"}, seed{"batch", "[" + inOrderRow + "," + r + ", " + inOrderRow + "]"},
			seed{"batch", `{"rows":[` + r + `]}`}, seed{"batch", `{"rows":` + r + `}`}, seed{"lines", r}, seed{"lines", inOrderRow + "\n" + r + "\r\n\n" + r + "\n" + inOrderRow})
	}
	for _, b := range []string{
		`[]`, `[ ]`, `[,]`, `[{},]`, `[{} {}]`, `[{}]]`, `[1,"x",null,[1],{}]`, `[x]`, `{"rows":[]}`, `{"rows":[],"rows":[]}`, `{"rows":5}`, `{"rows":[{}],"x":1}`, `{"rows":[{}],"columns":[]}`, `{"rows":[{}]`, `{"rows":`, `{"rows"`, `{"rows":[{"a":1}]} x`,
		`{"columns":["a","n"],"data":[[1,2],[3,4]]}`, `{"data":[[1,2],[3,4]],"columns":["a","n"]}`, `{"data":[[1,2],[3,[]]],"columns":["n","a"]}`, `{"data":[[1,2],"columns":["n","a"]}`, `{"data":[[1],[1,2,3],[],5,{},[1,2]],"columns":["n","a"]}`, `{"columns":["n","a"],"data":[[1],["x",2,3],[],5,{},[1,2],[null,true]]}`,
		`{"columns":["a","b"],"data":[[1,2]]}`, `{"columns":["a","a"],"data":[]}`, `{"columns":["b","b"],"data":[[1,2]]}`, `{"columns":[1],"data":[]}`, `{"columns":"a","data":[]}`, `{"columns":["a"],"data":{}}`, `{"columns":["a"]}`, `{"data":[]}`, `{"columns":[],"data":[[],[]]}`, `{"columns":["a"],"data":[[1]],"data":[[1]]}`, `{"columns":["flag","color","gr\u00f6\u00dfe"],"data":[[true,"red",1e400],[1,"x",2]]}`,
		`{"columns":["a",],"data":[]}`, `{"columns":["a" "n"],"data":[]}`, `{"columns":["a"],"data":[[1,]]}`, `{"columns":["a"],"data":[[1}}`, `{"data":` + strings.Repeat("[", 80) + strings.Repeat("]", 80) + `,"columns":["a"]}`, `{"data":[[` + strings.Repeat("[", 61) + strings.Repeat("]", 61) + `]],"columns":["a"]}`, `{"data":[[` + strings.Repeat("[", 62) + strings.Repeat("]", 62) + `]],"columns":["a"]}`, `{"index":[0],"columns":["a"],"data":[[1]]}`,
		`{"ids":["a","b","a"]}`, `{"ids":[1,"1",-5]}`, `{"ids":[]}`, `{"ids":[1.5]}`, `{"ids":[null]}`, `{"ids":[[]]}`, `{"ids":"a"}`, `{"ids":["a"],"rows":[]}`, `{"ids":["a"`, `{"ids":["a",]}`, `{"ids":`, `{"ids":["\u0061","` + strings.Repeat("y", 5000) + `"]}`, `{"ids":[1,2,3,4,5,6,7,8,9,10]}`, `{"x":{"y":[1]},"rows":[{"a":1}]}`,
		"\n\n", "{\"a\":1}\n\n\n{\"a\":2}", "{\"a\":1}\n{\"a\":\n2}\n", "{\"a\":1}\n{\"a\":2,\"color\":\"\n\"}\n{\"a\":3}",
	} {
		all = append(all, seed{"batch", b}, seed{"lines", b}, seed{"row", b})
	}
	header := `a,petal_width,n,a_name_that_is_longer_than_two_words,flag,color,"quo""te",größe` + "\n"
	for _, r := range []string{
		"1,2,3,4,true,red,7,8", "1.5,-2.25,3.0,0.12345678901234567,1,\"a,b\",1e-3,8\r", ",,,,,,,", "1,2,3", "1,2,3,4,true,red,7,8,9", "", "\r", "\"1\",\"2\",\"3\",\"\",\"0\",\"\"\"q\"\"\",7,8", "nan,NaN,inf,-inf,False,grün,Infinity,-Infinity",
		"NAN,+1,.5,5.,TRUE,blue,007,1e5", " 1,1 ,0x10,1_000,yes, red ,1e,--1", "1e400,-1e400,1e-400,.,e5,+,-,.e1", "\"1\"x,2", "1\"2,3", "\"1,2\n3", "\"multi\nline\",2", "1,2,3,4,true,\"re\r\nd\",7,8", "a\rb,2", "1,2,3,4,true,\xff,7,8", "1,2,3,4,true,red,7,8\r\r", "\x00,1", "1,,3", " 1.5,\t2, 3 ,\" 4 \", true , red, 7\t, 8 \r", " ,\t,  ,1 2,1\t", "1,2,3,4,true,red,7,123456789",
	} {
		all = append(all, seed{"csv", header + r}, seed{"csv", header + r + "\n"}, seed{"csv", r}, seed{"csv", "\ufeff" + header + "1,2,3,4,false,red,7,8\n" + r + "\n\n1,2,3,4,false,red,7,8\n"})
	}
	for _, b := range []string{"a", "a\n", "a\n1\n2\n\n3", "b\n1", "a,b\n1,2", "a,a\n1,2", ",a\n0,1\n1,2", "\n\na\n1", "\ufeff", "\"a\"\n\"1\"\n", "a,n\r\n1,2\r\n3,4\r\n", "n,a\n1,2\n", "a,\"n\n1", "a\n1\n2\n3\n4\n5\n6\n7\n8", "zz,a\"b", "\n", "\r"} {
		all = append(all, seed{"csv", b})
	}
	return all
}

// options are the settings that every seed is read with.
func options() []Options {
	return []Options{
		{},
		{ByID: true},
		{IgnoreExtra: true},
		{NoHeader: true},
		{ByID: true, IgnoreExtra: true, Limits: Limits{Rows: 2, Depth: 4, Text: 3}},
		{Limits: Limits{Values: 24, Depth: 3}},
	}
}
