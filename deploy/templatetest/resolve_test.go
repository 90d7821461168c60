package templatetest

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// pseudo are CloudFormation's own parameters, as one account has them.
var pseudo = map[string]any{
	"AWS::Region": "eu-west-1", "AWS::AccountId": "123456789012", "AWS::Partition": "aws",
	"AWS::URLSuffix": "amazonaws.com", "AWS::StackName": "copse",
}

// nothing is what AWS::NoValue leaves: the member is taken out.
type nothing struct{}

// resolver works out parameters, conditions and mappings of a template, as
// CloudFormation does when it deploys it.
type resolver struct {
	source node
	values map[string]any // of parameters and pseudo parameters
}

// newResolver takes values for parameters; the others have their defaults.
// A value that CloudFormation would refuse is an error.
func newResolver(source node, given map[string]string) (*resolver, error) {
	r := &resolver{source: source, values: maps.Clone(pseudo)}
	parameters := source.node("Parameters")
	for name := range given {
		if parameters.node(name) == nil {
			return nil, fmt.Errorf("there is no parameter %s", name)
		}
	}
	for name := range parameters {
		p := parameters.node(name)
		value, ok := given[name]
		if !ok {
			if p["Default"] == nil {
				return nil, fmt.Errorf("%s has no default", name)
			}
			value = number(p["Default"])
		}
		if err := allowed(p, value); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		r.values[name] = value
		if p.text("Type") == "Number" {
			n, err := strconv.ParseFloat(value, 64)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			r.values[name] = n
		}
	}
	return r, nil
}

// number writes a number without an exponent, and anything else as it is.
func number(value any) string {
	if f, ok := value.(float64); ok {
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	return fmt.Sprint(value)
}

func allowed(p node, value string) error {
	if list := p.list("AllowedValues"); list != nil && !slices.ContainsFunc(list, func(v any) bool { return number(v) == value }) {
		return fmt.Errorf("%q is none of %v", value, list)
	}
	if pattern := p.text("AllowedPattern"); pattern != "" && !regexp.MustCompile("^(?:"+pattern+")$").MatchString(value) {
		return fmt.Errorf("%q does not match %s", value, pattern)
	}
	return nil
}

// holds works out a condition, by name or written out.
func (r *resolver) holds(condition any) bool {
	if name, ok := condition.(string); ok {
		written := r.source.at("Conditions", name)
		if written == nil {
			panic("there is no condition " + name)
		}
		return r.holds(written)
	}
	m, _ := condition.(map[string]any)
	for function, argument := range m {
		list, _ := argument.([]any)
		switch function {
		case "Condition":
			return r.holds(argument)
		case "Fn::Equals":
			return number(r.resolve(list[0])) == number(r.resolve(list[1]))
		case "Fn::Not":
			return !r.holds(list[0])
		case "Fn::And":
			return !slices.ContainsFunc(list, func(c any) bool { return !r.holds(c) })
		case "Fn::Or":
			return slices.ContainsFunc(list, r.holds)
		}
	}
	panic(fmt.Sprintf("no condition: %v", condition))
}

// refusals are the assertions of the template's rules that do not hold.
func (r *resolver) refusals() (texts []string) {
	rules := r.source.node("Rules")
	for _, name := range rules.names() {
		for _, a := range rules.list(name, "Assertions") {
			m, _ := a.(map[string]any)
			if !r.holds(m["Assert"]) {
				texts = append(texts, name)
			}
		}
	}
	return texts
}

// resolve works out what needs no deployed resource; references to resources
// stay.
func (r *resolver) resolve(value any) any {
	switch v := value.(type) {
	case []any:
		list := []any{}
		for _, item := range v {
			if got := r.resolve(item); got != (any)(nothing{}) {
				list = append(list, got)
			}
		}
		return list
	case map[string]any:
		if len(v) == 1 {
			for function, argument := range v {
				if got, ok := r.call(function, argument); ok {
					return got
				}
			}
		}
		m := make(map[string]any, len(v))
		for name, member := range v {
			if got := r.resolve(member); got != (any)(nothing{}) {
				m[name] = got
			}
		}
		return m
	}
	return value
}

func (r *resolver) call(function string, argument any) (any, bool) {
	switch function {
	case "Ref":
		if argument == "AWS::NoValue" {
			return nothing{}, true
		}
		got, ok := r.values[fmt.Sprint(argument)]
		return got, ok
	case "Fn::If":
		list, _ := argument.([]any)
		if r.holds(list[0]) {
			return r.resolve(list[1]), true
		}
		return r.resolve(list[2]), true
	case "Fn::Sub":
		return r.substitute(argument), true
	case "Fn::FindInMap":
		list, _ := r.resolve(argument).([]any)
		got := r.source.at("Mappings", number(list[0]), number(list[1]), number(list[2]))
		return got, got != nil
	case "Fn::Split":
		list, _ := r.resolve(argument).([]any)
		text, ok := list[1].(string)
		if !ok {
			return nil, false
		}
		parts := []any{}
		for part := range strings.SplitSeq(text, fmt.Sprint(list[0])) {
			parts = append(parts, part)
		}
		return parts, true
	case "Fn::Select":
		list, _ := r.resolve(argument).([]any)
		index, err := strconv.Atoi(number(list[0]))
		parts, ok := list[1].([]any)
		if err != nil || !ok || index >= len(parts) {
			return nil, false
		}
		return parts[index], true
	}
	return nil, false
}

var variable = regexp.MustCompile(`\$\{([^}!]+)\}`)

// substitute fills in what is known; text with a resource in it stays a Sub.
func (r *resolver) substitute(argument any) any {
	text, ok := argument.(string)
	own := node{}
	if list, isList := argument.([]any); isList && len(list) == 2 {
		text, ok = list[0].(string)
		own, _ = r.resolve(list[1]).(map[string]any)
	}
	if !ok {
		return map[string]any{"Fn::Sub": argument}
	}
	open := false
	text = variable.ReplaceAllStringFunc(text, func(m string) string {
		name := m[2 : len(m)-1]
		switch value := own[name].(type) {
		case string:
			return value
		case map[string]any:
			open = true
			return reference(node(value))
		}
		if value, ok := r.values[name]; ok {
			return number(value)
		}
		open = true
		return m
	})
	if open {
		return map[string]any{"Fn::Sub": text}
	}
	return text
}

// reference writes a Ref or GetAtt as text of a Sub has it.
func reference(n node) string {
	if id := n.text("Ref"); id != "" {
		return "${" + id + "}"
	}
	parts := n.list("Fn::GetAtt")
	if len(parts) != 2 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("${%v.%v}", parts[0], parts[1])
}

// deployed is the transformed template with parameters given, without the
// resources and outputs whose conditions do not hold.
func (t template) deployed(given map[string]string) (template, error) {
	r, err := newResolver(t.Source, given)
	if err != nil {
		return template{}, err
	}
	if refused := r.refusals(); len(refused) > 0 {
		return template{}, fmt.Errorf("refused by %v", refused)
	}
	out := maps.Clone(t.Transformed)
	for _, section := range []string{"Resources", "Outputs"} {
		kept := make(map[string]any)
		for id, resource := range t.Transformed.node(section) {
			m, _ := resource.(map[string]any)
			if condition, ok := m["Condition"]; !ok || r.holds(condition) {
				kept[id] = r.resolve(m)
			}
		}
		out[section] = kept
	}
	return template{Source: t.Source, Transformed: out}, nil
}

// references are the logical ids that a value refers to, anywhere within it.
func references(value any) (ids []string) {
	switch v := value.(type) {
	case []any:
		for _, item := range v {
			ids = append(ids, references(item)...)
		}
	case map[string]any:
		for name, member := range v {
			switch name {
			case "Ref":
				ids = append(ids, fmt.Sprint(member))
			case "Fn::GetAtt":
				if list, ok := member.([]any); ok {
					ids = append(ids, fmt.Sprint(list[0]))
				}
			case "Fn::Sub":
				for _, m := range variable.FindAllStringSubmatch(fmt.Sprint(member), -1) {
					id, _, _ := strings.Cut(m[1], ".")
					ids = append(ids, id)
				}
			default:
				ids = append(ids, references(member)...)
			}
		}
	}
	return ids
}
