// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"cmp"
	"slices"
)

// between counts the dependencies between rooms: the key is the room that is needed, then the one that needs it.
func between(nodes []Node, rooms []Room) map[[2]int]int {
	room := map[int]int{} // by component; what is folded away needs, and is needed, as its room
	for r := range rooms {
		room[rooms[r].Node] = r
	}
	of := map[string]int{}
	for i, top := range TopComponents(nodes) {
		if r, ok := room[top]; ok {
			of[nodes[i].URN] = r
		}
	}
	out := map[[2]int]int{}
	for _, n := range nodes {
		to, ok := of[n.URN]
		if !ok {
			continue
		}
		for _, urn := range n.DependsOn {
			if from, ok := of[urn]; ok && from != to {
				out[[2]int{from, to}]++
			}
		}
	}
	return out
}

// reduce makes arrows of dependencies. Rings are cut open, and an arrow that follows from others is left out.
func reduce(count int, needs map[[2]int]int) (arrows []Arrow, implied int) {
	at := order(count, needs)
	var all []Arrow
	for key, weight := range needs {
		a := Arrow{From: key[0], To: key[1], Weight: weight}
		if at[a.From] > at[a.To] {
			if _, both := needs[[2]int{a.To, a.From}]; both {
				continue // drawn with the other one
			}
			a.From, a.To, a.Back = a.To, a.From, true
		} else if back, both := needs[[2]int{a.To, a.From}]; both {
			a.Both, a.Weight = true, weight+back
		}
		all = append(all, a)
	}
	slices.SortFunc(all, func(a, b Arrow) int {
		return cmp.Or(cmp.Compare(at[a.From], at[b.From]), cmp.Compare(at[a.To], at[b.To]))
	})
	reach := reachable(count, at, all)
	for _, a := range all {
		if !a.Back && !a.Both && longer(a, all, reach) {
			implied++
			continue
		}
		arrows = append(arrows, a)
	}
	return arrows, implied
}

// longer tells whether another way leads where the arrow leads.
func longer(a Arrow, all []Arrow, reach []bits) bool {
	for _, b := range all {
		if b.From == a.From && b.To != a.To && !b.Back && reach[b.To].has(a.To) {
			return true
		}
	}
	return false
}

// order numbers the rooms so that what is needed comes before what needs it, as far as there are no rings. In a ring
// the room that most others need comes first.
func order(count int, needs map[[2]int]int) []int {
	open := make([]int, count)    // needs that are not placed yet
	balance := make([]int, count) // how much more it is needed than it needs
	next := make([][]int, count)
	for key, weight := range needs {
		open[key[1]]++
		balance[key[0]] += weight
		balance[key[1]] -= weight
		next[key[0]] = append(next[key[0]], key[1])
	}
	at := make([]int, count)
	done := make([]bool, count)
	for n := range count {
		best := -1
		for i := range count {
			if done[i] {
				continue
			}
			if open[i] == 0 {
				best = i
				break
			}
			if best < 0 || balance[i] > balance[best] {
				best = i
			}
		}
		at[best], done[best] = n, true
		for _, i := range next[best] {
			open[i]--
		}
	}
	return at
}

// bits is a set of small numbers.
type bits []uint64

func (b bits) has(i int) bool { return b[i/64]&(1<<(i%64)) != 0 }
func (b bits) set(i int)      { b[i/64] |= 1 << (i % 64) }

// reachable says for each room which ones the arrows lead to from it.
func reachable(count int, at []int, arrows []Arrow) []bits {
	out := make([]bits, count)
	for i := range out {
		out[i] = make(bits, count/64+1)
	}
	// From the last room to the first: what an arrow leads to is complete before.
	for _, a := range slices.Backward(arrows) {
		if a.Back {
			continue
		}
		out[a.From].set(a.To)
		for w := range out[a.From] {
			out[a.From][w] |= out[a.To][w]
		}
	}
	return out
}

// layer gives each room its layer. One that gets too wide continues in the next layer.
func layer(d *Drawing, width int) {
	byOrder, wanted, needy := depths(d)
	slices.SortStableFunc(byOrder, func(a, b int) int { return cmp.Compare(wanted[a], wanted[b]) })
	var used []int
	for _, r := range byOrder {
		l := 0
		if !needy[r] {
			l = wanted[r]
		}
		for _, a := range d.Arrows {
			if a.To == r {
				l = max(l, d.Rooms[a.From].layer+1)
			}
		}
		for ; ; l++ {
			for len(used) <= l {
				used = append(used, 0)
			}
			if used[l] == 0 || used[l]+d.Rooms[r].W+roomGap <= width {
				break
			}
		}
		used[l] += d.Rooms[r].W + roomGap
		d.Rooms[r].layer = l
	}
}

// depths says how deep each room is to be: below what it needs; as near to what needs it as it gets when it needs
// nothing itself; last when nothing is joined to it. It also returns the rooms in their order and which are needy.
func depths(d *Drawing) (byOrder, wanted []int, needy []bool) {
	byOrder = make([]int, len(d.Rooms))
	for r, n := range order(len(d.Rooms), forward(d.Arrows)) {
		byOrder[n] = r
	}
	wanted = make([]int, len(d.Rooms))
	needy = make([]bool, len(d.Rooms))
	deepest := 0
	for _, r := range byOrder {
		for _, a := range d.Arrows {
			if a.To == r {
				wanted[r], needy[r] = max(wanted[r], wanted[a.From]+1), true
			}
		}
		deepest = max(deepest, wanted[r])
	}
	for r := range d.Rooms {
		if needy[r] {
			continue
		}
		wanted[r] = deepest
		for _, a := range d.Arrows {
			if a.From == r {
				wanted[r] = min(wanted[r], wanted[a.To]-1)
			}
		}
	}
	return byOrder, wanted, needy
}

// forward are the arrows as pairs.
func forward(arrows []Arrow) map[[2]int]int {
	out := map[[2]int]int{}
	for _, a := range arrows {
		out[[2]int{a.From, a.To}] = a.Weight
	}
	return out
}
