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
func contest(root care.EventID, claims []claim, rivals func(care.EventID) bool) (winner int, lost []defeat) {
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
	beaten := map[care.EventID]int{} // by the node that won its fork
	for at := root; len(successors[at]) > 0; {
		best := first(successors[at], height)
		by := best.node
		if by < 0 { // one that is not held won by what was built upon it
			by = first(successors[best.id], height).node
		}
		for _, s := range successors[at] {
			if s.id != best.id {
				beaten[s.id] = by
			}
		}
		if best.node >= 0 {
			winner = best.node
		}
		at = best.id
	}
	for _, id := range ranked { // a claim upon a beaten one is beaten with it
		by, is := beaten[id]
		for _, s := range successors[id] {
			if is {
				beaten[s.id] = by
			}
		}
	}
	for _, c := range claims {
		if by, is := beaten[c.id]; is {
			lost = append(lost, defeat{node: c.node, winner: by})
		}
	}
	return winner, lost
}

// first is the one of several claims that wins: the one built upon longest, then the smaller id.
func first(claims []claim, height map[care.EventID]int) claim {
	return slices.MinFunc(claims, func(a, b claim) int {
		if d := height[b.id] - height[a.id]; d != 0 {
			return d
		}
		return a.id.Compare(b.id)
	})
}
