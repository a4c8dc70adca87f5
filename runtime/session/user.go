package session

// UserName is the name of a user, "" when nobody has the number. Without accounts there are 4D's own two, and
// everybody who connects is the Designer.
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
