// Package config is the one list of the settings that a function reads from
// its environment (and that copse serve takes as flags): name, default, unit,
// rule and reason. All of them are checked at start; a name that is not in the
// list is refused, since a misspelt limit is no limit.
package config

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-playground/validator/v10"

	"example.com/copse/pkg/fault"
)

// Config is what the settings say.
type Config struct {
	Model      string
	Models     string
	Sink       string
	DeadLetter string
	Objects    string
	ResultName string
	Features   string
	Cache      Cache
	CORS       []string

	MaxBody     int64
	MaxRows     int
	MaxValues   int
	MaxText     int64
	MaxDepth    int
	MaxInflight int64
	MaxModel    int64
	MaxModels   int

	MaxConnections int

	Timeout             time.Duration
	FeaturesTimeout     time.Duration
	FeaturesConcurrency int
	FeaturesTTL         time.Duration
	FeaturesCache       int
}

// Cache is the setting COPSE_CACHE.
type Cache struct {
	Mode  string // "auto", "on" or "off"
	Bytes int64
}

// Prefix of every setting's name.
const Prefix = "COPSE_"

// Setting is one row of the list.
type Setting struct {
	Name    string // "COPSE_MAX_ROWS"
	Default string
	Unit    string // of the value, for people
	Rule    string // in validator/v10's tag syntax, on the parsed value
	Help    string // what it is
	Reason  string // why the default is what it is

	parse func(c *Config, text string) (value any, err error)
}

// Flag is the setting's name as a flag: "max-rows".
func (s *Setting) Flag() string {
	return strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(s.Name, Prefix), "_", "-"))
}

// Load reads the settings from an environment in the form of os.Environ.
func Load(environ []string) (*Config, error) {
	given := make(map[string]string)
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		if strings.HasPrefix(name, Prefix) {
			given[name] = value
		}
	}
	return FromMap(given)
}

// FromMap reads the settings from name → text. Names that are absent, or whose
// text is empty, have their defaults.
func FromMap(given map[string]string) (*Config, error) {
	c := new(Config)
	list := Settings()
	known := make(map[string]bool, len(list))
	var errs []error
	for i := range list {
		s := &list[i]
		known[s.Name] = true
		if err := s.set(c, given[s.Name]); err != nil {
			errs = append(errs, err)
		}
	}
	for name := range given {
		if !known[name] {
			errs = append(errs, unknown(name, list))
		}
	}
	if c.Model != "" && c.Models != "" {
		errs = append(errs, errors.New("COPSE_MODEL and COPSE_MODELS are both set: name all models in COPSE_MODELS"))
	}
	return c, errors.Join(errs...)
}

func unknown(name string, list []Setting) error {
	short := func(i int) string { return strings.TrimPrefix(list[i].Name, Prefix) }
	if near := fault.Nearest(strings.TrimPrefix(name, Prefix), len(list), short); near != "" {
		return fmt.Errorf("unknown setting %s: did you mean %s?", fault.Quote([]byte(name)), Prefix+near)
	}
	names := make([]string, len(list))
	for i := range list {
		names[i] = list[i].Name
	}
	return fmt.Errorf("unknown setting %s: the settings are %s", fault.Quote([]byte(name)), strings.Join(names, ", "))
}

// set parses a setting's text and holds it against its rule. Defaults need no
// check at start: a test checks them.
func (s *Setting) set(c *Config, text string) error {
	if text == "" {
		_, err := s.parse(c, s.Default)
		return err
	}
	value, err := s.parse(c, text)
	if err != nil {
		return fmt.Errorf("%s: %w", s.Name, err)
	}
	if s.Rule == "" {
		return nil
	}
	var broken validator.ValidationErrors
	if errors.As(validator.New().Var(value, s.Rule), &broken) {
		bound := "at least"
		if broken[0].Tag() == "lte" {
			bound = "at most"
		}
		return fmt.Errorf("%s: must be %s %s (%s)", s.Name, bound, broken[0].Param(), s.Unit)
	}
	return nil
}

// The parsers below each fill one field and return its value for the rule.

func text(field func(*Config) *string) func(*Config, string) (any, error) {
	return func(c *Config, s string) (any, error) {
		*field(c) = s
		return s, nil
	}
}

func number(field func(*Config) *int) func(*Config, string) (any, error) {
	return func(c *Config, s string) (any, error) {
		n, err := strconv.Atoi(s)
		if err != nil {
			return nil, errors.New("must be a whole number")
		}
		*field(c) = n
		return n, nil
	}
}

func size(field func(*Config) *int64) func(*Config, string) (any, error) {
	return func(c *Config, s string) (any, error) {
		n, err := ParseSize(s)
		if err != nil {
			return nil, err
		}
		*field(c) = n
		return n, nil
	}
}

func duration(field func(*Config) *time.Duration) func(*Config, string) (any, error) {
	return func(c *Config, s string) (any, error) {
		d, err := time.ParseDuration(s)
		if err != nil {
			return nil, errors.New(`must be a duration such as "30s" or "500ms"`)
		}
		*field(c) = d
		return d, nil
	}
}

// origins reads "*" and origins as browsers send them: scheme, host and, where
// it is not the scheme's own, port. Anything else would never match.
func origins(c *Config, s string) (any, error) {
	c.CORS = nil
	for item := range strings.SplitSeq(s, ",") {
		item = strings.TrimSpace(item)
		if item == "" {
			continue
		}
		u, err := url.Parse(item)
		if item != "*" && item != "null" && (err != nil || u.Scheme == "" || u.Host == "" || item != strings.ToLower(u.Scheme+"://"+u.Host)) {
			return nil, errors.New(`must be * or origins such as "https://app.example.com", without a path`)
		}
		c.CORS = append(c.CORS, item)
	}
	return c.CORS, nil
}

// cacheMode reads "auto", "on", "off", a size such as "64MB" (which means
// auto), or a mode and a size: "on,64MB".
func cacheMode(c *Config, s string) (any, error) {
	cache := Cache{Mode: "auto", Bytes: defaultCacheBytes}
	wrong := errors.New(`must be auto, on, off, a size such as 64MB, or both: "on,64MB"`)
	modes, sizes := 0, 0
	for part := range strings.SplitSeq(s, ",") {
		switch part = strings.TrimSpace(part); part {
		case "auto", "on", "off":
			cache.Mode = part
			modes++
		default:
			n, err := ParseSize(part)
			if err != nil {
				return nil, wrong
			}
			cache.Bytes = n
			sizes++
		}
	}
	if modes > 1 || sizes > 1 {
		return nil, wrong
	}
	c.Cache = cache
	return cache.Bytes, nil
}

// units of sizes; MB and MiB are both 2²⁰, as Lambda's own memory sizes are.
var units = []struct {
	suffix string
	factor int64
}{
	{"KIB", 1 << 10}, {"MIB", 1 << 20}, {"GIB", 1 << 30},
	{"KB", 1 << 10}, {"MB", 1 << 20}, {"GB", 1 << 30}, {"B", 1},
}

// ParseSize reads a number of bytes: "65536", "64KB", "16MiB".
func ParseSize(s string) (int64, error) {
	digits, factor := strings.ToUpper(strings.TrimSpace(s)), int64(1)
	for _, u := range units {
		if rest, ok := strings.CutSuffix(digits, u.suffix); ok {
			digits, factor = strings.TrimSpace(rest), u.factor
			break
		}
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < 0 || n > (1<<50)/factor {
		return 0, errors.New(`must be a size in bytes such as "16MiB"`)
	}
	return n * factor, nil
}
