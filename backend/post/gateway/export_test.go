package gateway

import "slices"

// Taking reports whether a letter is being taken in; Leaving, whether somebody is to leave.
func (g *Gateway) Taking() bool { return g.some(func(c *conn) bool { return c.taking.Load() }) }

func (g *Gateway) Leaving() bool {
	return g.some(func(c *conn) bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.leaving
	})
}

func (g *Gateway) some(is func(*conn) bool) bool {
	g.mu.Lock()
	r := g.running
	g.mu.Unlock()
	return slices.ContainsFunc(r.left(), is)
}
