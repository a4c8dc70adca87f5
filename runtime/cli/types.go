package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"moongate/runtime/signature"
	"moongate/runtime/structure"
)

var typesManual = manual{
	name: "types", arguments: "[FOLDER]", meaning: "write what editors need to know of a scripts folder",
	examples: []string{"types", "types scripts/examples/journal"},
	more: "For editors with the Lua language server (LuaLS): FOLDER/.luals/moongate.lua has the commands, the methods and\n" +
		"variables of the folder and the tables of its structure.lua with their types; FOLDER/.luarc.json makes the server look\n" +
		"there, if you open FOLDER in the editor. A .luarc.json of your own stays as it is. Moongate itself reads neither: names\n" +
		"that begin with a dot are hidden. Run it again when methods or tables have changed. Exit codes: 0 done, 1 not done, 2\nwrong usage.",
}

const (
	typesFolder   = ".luals" // hidden from the server, and so no folder of modules
	typesFile     = "moongate.lua"
	settingsFile  = ".luarc.json"
	typesHeader   = "---@meta\n-- Made by moongate types: it is written anew each time.\n"
	settingsMaker = "made by moongate types; take this line away, and it is yours"
)

// types writes the annotations and settings for editors.
func types(m *invocation, args []string) int {
	o := newTool(m, typesManual)
	if ok, code := o.parseTool(args, 1); !ok {
		return code
	}
	if err := o.writeTypes(o.folder()); err != nil {
		return o.failed(err)
	}
	return ExitClean
}

// writeTypes writes both files of a folder, and says what has become of them.
func (o *operation) writeTypes(folder string) error {
	described, err := o.scripts.Folder(folder)
	if err != nil {
		return err
	}
	tables, err := o.scripts.Structure(folder)
	if err != nil {
		return err
	}
	text, err := annotations(o.scripts.Commands(), described, tables)
	if err != nil {
		return err
	}
	name := filepath.Join(folder, typesFolder, typesFile)
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return err
	}
	old, err := readIf(name)
	if err == nil && old != nil && !strings.HasPrefix(string(old), typesHeader) {
		err = fmt.Errorf("%s: it was not made by moongate types: move it away", name)
	}
	if err == nil {
		err = o.renew(name, old, []byte(text))
	}
	if err != nil {
		return err
	}
	return o.writeSettings(filepath.Join(folder, settingsFile), described)
}

// writeSettings writes the settings of the language server, unless somebody else has.
func (o *operation) writeSettings(name string, described signature.Folder) error {
	fresh, err := settings(described)
	if err != nil {
		return err
	}
	old, err := readIf(name)
	if err != nil {
		return err
	}
	if old != nil && !bytes.Contains(old, []byte(settingsMaker)) {
		if bytes.Contains(old, []byte(`"`+typesFolder+`"`)) {
			fmt.Fprintf(o.stdout, "%s is yours and stays as it is\n", name)
			return nil
		}
		fmt.Fprintf(o.stdout, "%s is yours and stays as it is; add \"runtime.version\": \"Lua 5.1\" and %q: [\"%s\"] to it\n", name, librarySetting, typesFolder)
		return nil
	}
	return o.renew(name, old, fresh)
}

// librarySetting is the language server's name for the folders whose files it reads beside those that are edited.
const librarySetting = "workspace" + "." + "library"

// settings is the content of .luarc.json.
func settings(described signature.Folder) ([]byte, error) {
	globals := described.Variables
	if globals == nil {
		globals = []string{}
	}
	text, err := json.MarshalIndent(map[string]any{
		"$comment":                  settingsMaker,
		"$schema":                   "https://raw.githubusercontent.com/LuaLS/vscode-lua/master/setting/schema.json",
		"runtime.version":           "Lua 5.1",
		librarySetting:              []string{typesFolder},
		"workspace.checkThirdParty": false,
		"diagnostics.globals":       globals,
		"diagnostics.disable":       []string{"lowercase-global"},
	}, "", "  ")
	return append(text, '\n'), err
}

// readIf reads a file; of one that does not exist the content is nil.
func readIf(name string) ([]byte, error) {
	content, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if content == nil && err == nil {
		content = []byte{}
	}
	return content, err
}

// renew writes a file that has another content, and says so.
func (o *operation) renew(name string, old, fresh []byte) error {
	if old != nil && bytes.Equal(old, fresh) {
		fmt.Fprintf(o.stdout, "%s is as it was\n", name)
		return nil
	}
	if err := os.WriteFile(name, fresh, 0o666); err != nil {
		return err
	}
	fmt.Fprintf(o.stdout, "%s written\n", name)
	return nil
}

// columnTypes are the types of columns as the language server names them.
var columnTypes = map[structure.Type]string{
	structure.Text: "string", structure.Integer: "integer", structure.Real: "number", structure.Boolean: "boolean",
	structure.Date: "string", structure.Time: "integer", structure.Object: "table", structure.Blob: "string", structure.UUID: "string",
}

// builtIn are commands that the language server knows by itself, with types that it must not lose.
var builtIn = []string{"print", "require"}

// annotations is the text of the types file.
func annotations(commands []signature.Command, described signature.Folder, tables structure.Structure) (string, error) {
	a := annotator{}
	a.WriteString(typesHeader + fixedTypes)
	for _, c := range commands {
		if c.Of == "" && !slices.Contains(builtIn, c.Name) && !strings.Contains(fixedNames, " "+c.Name+" ") {
			if err := a.function("", c, ""); err != nil {
				return "", err
			}
		}
	}
	if err := a.clients(commands); err != nil {
		return "", err
	}
	if err := a.data(commands, tables); err != nil {
		return "", err
	}
	for _, m := range described.Methods {
		a.method(m)
	}
	return a.String(), nil
}
