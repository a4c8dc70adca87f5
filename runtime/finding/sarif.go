package finding

import (
	"encoding/json"
	"io"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf16"
)

// WriteJSON writes the findings as one array, each an object in a line of its own.
func (r Report) WriteJSON(w io.Writer) error {
	var b strings.Builder
	b.WriteString("[")
	for i, f := range r.Findings {
		line, err := encode(f, "")
		if err != nil {
			return err
		}
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString("\n  " + line)
	}
	if len(r.Findings) > 0 {
		b.WriteByte('\n')
	}
	b.WriteString("]\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// encode makes JSON of a value without changing < and >, which stand in messages.
func encode(v any, indent string) (string, error) {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", indent)
	err := e.Encode(v)
	return strings.TrimSuffix(b.String(), "\n"), err
}

// The parts of a SARIF 2.1.0 log that are used here, by their names in the standard.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool       sarifTool     `json:"tool"`
		ColumnKind string        `json:"columnKind"`
		Results    []sarifResult `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name    string      `json:"name"`
		Version string      `json:"semanticVersion"`
		Rules   []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID      string      `json:"id"`
		Short   sarifText   `json:"shortDescription"`
		Full    sarifText   `json:"fullDescription"`
		Help    sarifText   `json:"help"`
		Default sarifConfig `json:"defaultConfiguration"`
	}
	sarifText struct {
		Text     string `json:"text"`
		Markdown string `json:"markdown,omitempty"`
	}
	sarifConfig struct {
		Level Severity `json:"level"`
	}
	sarifResult struct {
		Rule      string          `json:"ruleId"`
		Index     int             `json:"ruleIndex"`
		Level     Severity        `json:"level"`
		Message   sarifText       `json:"message"`
		Locations []sarifLocation `json:"locations"`
	}
	sarifLocation struct {
		Physical sarifPhysical `json:"physicalLocation"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   *sarifRegion  `json:"region,omitempty"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifRegion struct {
		StartLine   int `json:"startLine"`
		StartColumn int `json:"startColumn,omitempty"`
		EndLine     int `json:"endLine,omitempty"`
		EndColumn   int `json:"endColumn,omitempty"`
	}
)

const sarifSchema = "https://json.schemastore.org/sarif-2.1.0.json"

// WriteSARIF writes the findings as a SARIF 2.1.0 log, for code reviews. rules has every rule that a finding names;
// version is the program's.
func (r Report) WriteSARIF(w io.Writer, rules []Rule, version string) error {
	driver := sarifDriver{Name: "moongate check", Version: version}
	for _, rule := range rules {
		driver.Rules = append(driver.Rules, sarifRule{ID: rule.Name, Short: sarifText{Text: capital(rule.Meaning) + "."},
			Full: sarifText{Text: rule.Why}, Help: sarifText{Text: rule.Page(), Markdown: rule.markdown()}, Default: sarifConfig{rule.Severity}})
	}
	run := sarifRun{Tool: sarifTool{driver}, ColumnKind: "utf16CodeUnits", Results: []sarifResult{}}
	for _, f := range r.Findings {
		at := sarifPhysical{Artifact: sarifArtifact{fileURI(f.File)}, Region: f.region()}
		run.Results = append(run.Results, sarifResult{
			Rule: f.Rule, Index: slices.IndexFunc(rules, func(r Rule) bool { return r.Name == f.Rule }), Level: f.Severity,
			Message: sarifText{Text: f.Message + "."}, Locations: []sarifLocation{{at}},
		})
	}
	text, err := encode(sarifLog{sarifSchema, "2.1.0", []sarifRun{run}}, "  ")
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, text+"\n")
	return err
}

// region is the place of a finding, nil when it is about a whole file.
func (f Finding) region() *sarifRegion {
	if f.Line == 0 {
		return nil
	}
	region := &sarifRegion{StartLine: f.Line}
	if f.Column > 0 {
		region.StartColumn = f.utf16(f.Column)
	}
	if f.Column > 0 && f.EndLine == f.Line && f.EndColumn > f.Column {
		region.EndLine, region.EndColumn = f.EndLine, f.utf16(f.EndColumn)
	}
	return region
}

// utf16 is a column of the line in UTF-16 code units.
func (f Finding) utf16(column int) int {
	if column-1 > len(f.Text) {
		return column
	}
	return 1 + len(utf16.Encode([]rune(f.Text[:column-1])))
}

// fileURI is the name of a file as a URI: relative when the name is.
func fileURI(file string) string {
	u := url.URL{Path: filepath.ToSlash(file)}
	if filepath.IsAbs(file) {
		u.Scheme = "file"
		if !strings.HasPrefix(u.Path, "/") {
			u.Path = "/" + u.Path // C:/
		}
	}
	return u.String()
}
