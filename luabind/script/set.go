package script

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"

	"moongate/runtime/method"
	"sync"
)

// Method is a compiled top-level file.
type Method struct {
	Name       string // on_startup, write_journal
	File       string // the name with .lua
	Database   bool   // an event calls it; otherwise scripts do, by its name
	Preemptive bool   // marked {"preemptive":"capable"}; never true of a database method
	OnServer   bool   // marked {"executedOnServer":true}: clients have the server run it; never true of a database method
	Proto      *lua.FunctionProto
	Hash       string // the first 12 hexadecimal digits of the content's SHA-256

	places sync.Map // line -> file:line, made once: every verdict names its line
}

// Place is a line of the method, as file:line. It may be called from any goroutine.
func (m *Method) Place(line int) string {
	if place, ok := m.places.Load(line); ok {
		return place.(string)
	}
	place, _ := m.places.LoadOrStore(line, fmt.Sprintf("%s:%d", m.File, line))
	return place.(string)
}

// Module is a compiled file of a subfolder, for require.
type Module struct {
	Name  string // lib.util; of an init.lua the folder's: lib. Whoever remembers loaded modules does it by this
	File  string // lib/util.lua, lib/init.lua
	Proto *lua.FunctionProto
	Hash  string // as a method's
}

// Set is all the code of a scripts folder, compiled. It must not be changed.
type Set struct {
	// Version is the first 12 hexadecimal digits of the SHA-256 over the names and contents of all methods
	// and modules. Sets of equal version behave equally, with the same Known.
	Version  string
	Methods  []*Method // sorted by name
	Modules  []*Module // sorted by file
	Warnings []Problem // sorted by place; the set can be used all the same
	// SetsGlobals says that some code of the set assigns a global variable. Code that a script compiles while
	// it runs may do so in any set.
	SetsGlobals bool
	// TablesFile says that the folder has a structure.lua, which is reserved for the declaration of tables:
	// LoadStructure reads it, and the set does not depend on it.
	TablesFile bool

	methods map[string]*Method
	modules map[string]*Module
}

// Method finds a method by its name.
func (s *Set) Method(name string) (*Method, bool) {
	m, ok := s.methods[name]
	return m, ok
}

// Module finds a module by any of the names that require takes: an init.lua has two.
func (s *Set) Module(name string) (*Module, bool) {
	m, ok := s.modules[name]
	return m, ok
}

// Load reads and compiles the folder. It waits for the disk only.
//
// When files are wrong the error is a [Problems] with all that is wrong in all of them. When the folder
// itself cannot be read it is another error, which wraps the operating system's (fs.ErrNotExist,
// fs.ErrPermission).
func Load(dir string, known Known) (*Set, error) {
	f, err := openFolder(dir)
	if err != nil {
		return nil, err
	}
	defer f.close()
	l := newLoader(f, known)
	l.run(f)
	if len(l.problems) > 0 {
		l.problems.sort()
		return nil, l.problems
	}
	return l.finish(), nil
}

// loader makes a set, file by file. Files must be parsed before any is checked, because a name that one file
// uses may be defined in another.
type loader struct {
	known    Known
	set      *Set
	sources  []*source
	problems Problems
	warnings Problems
}

// source is a file on its way to bytecode.
type source struct {
	file       string
	name       string   // the method's; "" for a module
	names      []string // the module's
	content    string
	attributes attributes
	tree       []ast.Stmt // nil if it could not be parsed
	globals    globals
}

func newLoader(f *folder, known Known) *loader {
	return &loader{
		known:    known,
		set:      &Set{TablesFile: f.tables, methods: map[string]*Method{}, modules: map[string]*Module{}},
		problems: f.problems.as(RuleFile),
		warnings: f.warnings.as(RuleFile),
	}
}

// run reads, checks and compiles all files.
func (l *loader) run(f *folder) {
	for _, file := range f.files {
		l.add(f, file.path)
	}
	l.checkNames()
	for _, source := range l.sources {
		l.compile(source)
	}
}

// fail notes an error, by default one of syntax.
func (l *loader) fail(p Problem) { l.problems = append(l.problems, Problems{p}.as(RuleSyntax)...) }

// add reads and parses a file.
func (l *loader) add(f *folder, file string) {
	s := &source{file: file}
	message := ""
	if strings.Contains(file, "/") {
		s.names, message = moduleNames(file), moduleProblem(file)
	} else {
		s.name = strings.TrimSuffix(file, extension)
		message = methodProblem(s.name, l.known)
	}
	if message != "" {
		l.fail(Problem{File: file, Message: message, Rule: RuleMethodName})
	}
	content, err := f.read(file)
	if err != nil {
		l.fail(Problem{File: file, Message: err.Error(), Rule: RuleFile})
		return
	}
	s.content = content
	l.sources = append(l.sources, s)
	l.parse(s)
}

func (l *loader) parse(s *source) {
	problem := textProblem(s.file, s.content)
	if problem == nil {
		s.tree, problem = parseChunk(s.content, s.file)
	}
	if problem != nil {
		l.fail(*problem)
		return
	}
	s.globals = findGlobals(s.tree)
	attributes, problem, warnings := readAttributes(s.content, s.file)
	s.attributes = attributes
	if problem != nil {
		l.problems = append(l.problems, Problems{*problem}.as(RuleAttributes)...)
	}
	l.warnings = append(l.warnings, warnings.as(RuleAttributes)...)
}

// checkNames looks for names that no file and no command defines. The scripts' own names are all the
// methods, those that could not be compiled too, and whatever any file assigns.
func (l *loader) checkNames() {
	defined := l.defined()
	for _, s := range l.sources {
		failures, warnings := checkReads(s.content, s.file, s.globals.reads, defined)
		l.problems = append(l.problems, failures...)
		l.warnings = append(l.warnings, warnings...)
	}
}

// defined are the global names that some file or command defines.
func (l *loader) defined() map[string]bool {
	defined := map[string]bool{}
	for name, known := range l.known {
		if known {
			defined[name] = true
		}
	}
	for _, s := range l.sources {
		if s.name != "" && !method.IsEvent(s.name) {
			defined[s.name] = true
		}
		for _, name := range s.globals.assigned {
			defined[name] = true
		}
	}
	return defined
}

// compile puts a parsed file into the set.
func (l *loader) compile(s *source) {
	if s.tree == nil {
		return
	}
	if answers(s.name) {
		markReturns(s.tree)
	}
	proto, problem := compileChunk(s.tree, s.file)
	if problem != nil {
		l.fail(*problem)
		return
	}
	l.set.SetsGlobals = l.set.SetsGlobals || setsGlobals(proto)
	if s.name == "" {
		l.addModule(s, proto)
	} else {
		l.addMethod(s, proto)
	}
}

func (l *loader) addMethod(s *source, proto *lua.FunctionProto) {
	m := &Method{Name: s.name, File: s.file, Database: method.IsEvent(s.name),
		Preemptive: s.attributes.preemptive, OnServer: s.attributes.onServer, Proto: proto, Hash: hashOf(s.content)}
	if m.Database && m.Preemptive {
		m.Preemptive = false
		l.warn(s, "database methods are always cooperative: the mark preemptive is ignored")
	}
	if m.Database && m.OnServer {
		m.OnServer = false
		l.warn(s, "database methods run where their event is: the mark executedOnServer is ignored")
	}
	l.set.Methods = append(l.set.Methods, m)
	l.set.methods[m.Name] = m
}

func (l *loader) addModule(s *source, proto *lua.FunctionProto) {
	m := &Module{Name: s.names[0], File: s.file, Proto: proto, Hash: hashOf(s.content)}
	if s.attributes.present {
		l.warn(s, "attributes of a module are ignored: it runs in the process that requires it")
	}
	l.set.Modules = append(l.set.Modules, m)
	for _, name := range s.names {
		if other, taken := l.set.modules[name]; taken {
			l.fail(Problem{File: s.file, Message: fmt.Sprintf("%s is the name of %s too", name, other.File), Rule: RuleMethodName})
		}
		l.set.modules[name] = m
	}
}

func (l *loader) warn(s *source, message string) {
	l.warnings = append(l.warnings, Problem{File: s.file, Line: s.attributes.line, Message: message, Rule: RuleAttributes})
}

func (l *loader) finish() *Set {
	slices.SortFunc(l.sources, func(a, b *source) int { return strings.Compare(a.file, b.file) })
	slices.SortFunc(l.set.Methods, func(a, b *Method) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(l.set.Modules, func(a, b *Module) int { return strings.Compare(a.File, b.File) })
	sum := sha256.New()
	for _, s := range l.sources {
		addPair(sum, s.file, s.content)
	}
	l.set.Version = shortHash(sum)
	l.warnings.sort()
	l.set.Warnings = l.warnings
	return l.set
}

// addPair adds a name and what belongs to it, in a form in which no two lists of pairs are equal.
func addPair(sum hash.Hash, name, content string) {
	fmt.Fprintf(sum, "%d %s %d %s\n", len(name), name, len(content), content)
}

func hashOf(content string) string {
	sum := sha256.New()
	sum.Write([]byte(content))
	return shortHash(sum)
}

// shortHash is what people read and compare: 48 bits tell the versions of one folder apart.
func shortHash(sum hash.Hash) string { return hex.EncodeToString(sum.Sum(nil))[:12] }
