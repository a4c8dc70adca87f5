package interprocess

// NewObject makes a shared object. The fields' values are those of a Shared, and besides map[string]any and []any,
// of which shared objects and collections are made. Everything in it is one group: the error wraps ErrGroup if an
// existing value belongs to another, or is a *BusyError.
func (c *Commons) NewObject(by Owner, fields map[string]any) (*Shared, error) {
	return c.create(by, fields)
}

// NewCollection makes a shared collection of elements as NewObject does of fields.
func (c *Commons) NewCollection(by Owner, elements []any) (*Shared, error) {
	return c.create(by, elements)
}

func (c *Commons) create(by Owner, tree any) (*Shared, error) {
	var members []*Shared
	root := c.grow(tree, &members).(*Shared)
	if len(members) == 1 {
		return root, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return root, c.uniteLocked(by, members)
}

// grow makes shared objects of maps and lists, and gathers every shared one that it finds or makes.
func (c *Commons) grow(tree any, members *[]*Shared) any {
	switch tree := tree.(type) {
	case map[string]any:
		s := c.newShared(Object)
		*members = append(*members, s)
		for name, v := range tree {
			if v != nil {
				s.fields[name] = c.grow(v, members)
			}
		}
		return s
	case []any:
		s := c.newShared(Collection)
		*members = append(*members, s)
		for _, v := range tree {
			s.elements = append(s.elements, c.grow(v, members))
		}
		s.trimLocked() // nobody else has it
		return s
	case *Shared:
		*members = append(*members, tree)
	}
	return tree
}
