package host

// BeginShadow has the shadow of a host work that is not running.
func (h *Host) BeginShadow() { h.beginShadow() }
