package gateway

// Taking reports whether a letter is being taken in.
func (g *Gateway) Taking() bool {
	g.mu.Lock()
	r := g.running
	g.mu.Unlock()
	for _, c := range r.left() {
		if c.taking.Load() {
			return true
		}
	}
	return false
}
