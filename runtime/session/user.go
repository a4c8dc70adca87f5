package session

// User is a user with its name.
type User struct {
	Number UserNumber
	Name   string
}

// DesignerUser is who everybody is without accounts, as in 4D without passwords.
var DesignerUser = User{Designer, "Designer"}

// UserName is the name of one of 4D's own two users, "" for everybody else's number.
func UserName(n UserNumber) string {
	switch n {
	case Designer:
		return "Designer"
	case Administrator:
		return "Administrator"
	default:
		return ""
	}
}
