package signature

// Folder is what the scripts of a folder add to the commands.
type Folder struct {
	Methods   []Method // the project methods, sorted by name
	Variables []string // the global names that scripts assign, methods aside; sorted
}

// Method is a project method, as a caller sees it.
type Method struct {
	Name       string
	File       string
	Meaning    string   // the comment at the beginning of the file, in one line; "" when there is none
	Parameters []string // the names that its first statement gives to ...
	Any        bool     // it uses ... in another way, so it may take more
}
