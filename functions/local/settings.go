package local

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"example.com/copse/pkg/config"
)

// addSettings makes a flag of every setting in the list: COPSE_MAX_ROWS is
// --max-rows. The two that name models are --model.
func addSettings(c *cobra.Command) {
	for _, s := range config.Settings() {
		if namesModels(s.Name) {
			continue
		}
		help := s.Help
		if s.Unit != "" {
			help += " [" + s.Unit + "]"
		}
		if s.Default != "" {
			help += " (default " + s.Default + ")"
		}
		c.Flags().String(s.Flag(), "", help+" ($"+s.Name+")")
		_ = c.Flags().SetAnnotation(s.Flag(), settingFlag, []string{s.Name}) // fails for a flag that is not there
	}
}

// settingFlag marks the flags that are settings: a command may have others of
// the same name, such as the folder of copse invoke --objects.
const settingFlag = "setting"

// givenFlag is the value of a setting that was given as a flag.
func givenFlag(c *cobra.Command, s *config.Setting) (value string, given bool) {
	if f := c.Flags().Lookup(s.Flag()); f != nil && f.Changed && f.Annotations[settingFlag] != nil {
		return f.Value.String(), true
	}
	return "", false
}

func namesModels(name string) bool { return name == "COPSE_MODEL" || name == "COPSE_MODELS" }

// readSettings reads the environment and lets flags that were given have their
// way. With models given as flags, those of the environment do not count.
func readSettings(c *cobra.Command, environ []string, models bool) (*config.Config, error) {
	given := map[string]string{}
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		if strings.HasPrefix(name, config.Prefix) && !(models && namesModels(name)) {
			given[name] = value
		}
	}
	for _, s := range config.Settings() {
		if value, is := givenFlag(c, &s); is {
			if value == "" {
				return nil, fmt.Errorf("--%s: the value is missing", s.Flag())
			}
			given[s.Name] = value
		}
	}
	settings, err := config.FromMap(given)
	return settings, inFlags(c, err)
}

// inFlags names, in an error, the settings that were given as flags by their
// flags.
func inFlags(c *cobra.Command, err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	for _, s := range config.Settings() {
		if _, is := givenFlag(c, &s); is {
			text = regexp.MustCompile(`\b`+s.Name+`\b`).ReplaceAllString(text, "--"+s.Flag())
		}
	}
	return errors.New(text)
}
