package fold

import (
	"slices"

	"postern/backend/care"
)

// claim is one event that sets something by compare-and-set: it names the one that it replaces.
type claim struct {
	node int // -1: named by another and not held
	id   care.EventID
	over care.EventID
}

// defeat is a claim that did not win, with the one that stands in its place.
type defeat struct{ node, winner int }

// contest settles a compare-and-set. It begins at root (the zero id: nothing was set yet) and goes from each claim to its
// successor. Of two claims over the same one the smaller id wins, unless colleagues have built longer upon the other: so
// a late copy of a claim that nobody acted on cannot take the place from what followed in the meantime. A claim over one
// that is not held stands as if that one were held and had begun at root. rivals are ids that are held and belong to
// another contest: a claim over one of them is out of this one.
//
// It returns the node in force (-1: none) and all claims that lost, in the order of claims.
func (f *folding) contest(root care.EventID, claims []claim, rivals func(care.EventID) bool) (winner int, lost []defeat) {
	if len(claims) == 0 {
		return -1, nil
	}
	ids := make(map[care.EventID]bool, len(claims))
	for _, c := range claims {
		ids[c.id] = true
	}
	successors := make(map[care.EventID][]claim, len(claims))
	for _, c := range claims {
		if rivals != nil && rivals(c.over) {
			continue
		}
		if c.over != root && !ids[c.over] {
			ids[c.over] = true
			successors[root] = append(successors[root], claim{node: -1, id: c.over})
		}
		successors[c.over] = append(successors[c.over], c)
	}
	// From here on only what can be reached from root is looked at. That is a tree, for a claim names one other.
	ranked := []care.EventID{root}
	for i := 0; i < len(ranked); i++ {
		for _, s := range successors[ranked[i]] {
			ranked = append(ranked, s.id)
		}
	}
	height := make(map[care.EventID]int, len(ranked))
	for _, id := range slices.Backward(ranked) {
		for _, s := range successors[id] {
			height[id] = max(height[id], height[s.id]+1)
		}
	}
	winner = -1
	won := map[care.EventID]bool{}
	beaten := map[care.EventID]care.EventID{} // by the winner of its fork
	for at := root; len(successors[at]) > 0; {
		best := slices.MinFunc(successors[at], func(a, b claim) int {
			if d := height[b.id] - height[a.id]; d != 0 {
				return d
			}
			return a.id.Compare(b.id)
		})
		for _, s := range successors[at] {
			if s.id != best.id {
				beaten[s.id] = best.id
			}
		}
		won[best.id] = true
		if best.node >= 0 {
			winner = best.node
		}
		at = best.id
	}
	for _, id := range ranked { // a claim upon a beaten one is beaten with it
		for _, s := range successors[id] {
			if by, is := beaten[id]; is {
				beaten[s.id] = by
			}
		}
	}
	for _, c := range claims {
		if by, is := beaten[c.id]; is && !won[c.id] {
			lost = append(lost, defeat{node: c.node, winner: f.heldFrom(by, successors, height)})
		}
	}
	return winner, lost
}

// heldFrom is the node of a winning claim, or of the first one held upon it: -1 where there is none.
func (f *folding) heldFrom(id care.EventID, successors map[care.EventID][]claim, height map[care.EventID]int) int {
	if at, held := f.at[id]; held && f.nodes[at].accepted() {
		return at
	}
	for _, s := range successors[id] {
		if s.node >= 0 && height[s.id] == height[id]-1 {
			return s.node
		}
	}
	return -1
}
