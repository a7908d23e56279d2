// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"cmp"
	"math"
	"slices"
)

// Distances between rooms, in units of the picture.
const (
	margin    = 24
	roomGap   = 32
	layerGap  = 46
	laneWidth = 12
	sweeps    = 12
	// leastWidth is what a picture may always use: about what a screen shows of it without scaling.
	leastWidth = 1_300
	bend       = layerGap / 2
)

// spot is something that takes room in a layer: a room, or the lane of arrows that go on below. The arrows of one
// room share a lane, so that there are never more lanes than rooms.
type spot struct {
	room   int // -1 = a lane
	width  int
	x      int // centre
	up, dn []int
}

// plan is the work on one picture.
type plan struct {
	d      *Drawing
	spots  []spot
	layers [][]int     // of spots, from left to right
	lane   map[int]int // by room and layer: see key
}

func key(room, layer int) int { return room<<20 | layer }

// place finds the position of each room and the way of each arrow.
func place(d *Drawing, s Style) {
	layer(d, wanted(d, s))
	p := &plan{d: d, lane: map[int]int{}}
	p.build()
	p.sort()
	p.pack()
	for n := range sweeps {
		p.settle(n%2 == 0)
	}
	p.finish(s)
}

// wanted is how wide the picture is to be.
func wanted(d *Drawing, s Style) int {
	if s.Width > 0 {
		return s.Width - 2*margin
	}
	area, widest := 0, 0
	for _, r := range d.Rooms {
		area += (r.W + roomGap) * (r.H + layerGap)
		widest = max(widest, r.W)
	}
	return max(widest, leastWidth, int(math.Sqrt(float64(area)*2)))
}

// build makes the spots: rooms in their layers, and a lane in each layer that an arrow only passes.
func (p *plan) build() {
	for i, r := range p.d.Rooms {
		p.add(spot{room: i, width: r.W}, r.layer)
	}
	for _, a := range p.d.Arrows {
		at := a.From
		for l := p.d.Rooms[a.From].layer + 1; l < p.d.Rooms[a.To].layer; l++ {
			lane, ok := p.lane[key(a.From, l)]
			if !ok {
				lane = p.add(spot{room: -1, width: laneWidth}, l)
				p.lane[key(a.From, l)] = lane
			}
			p.join(at, lane)
			at = lane
		}
		p.join(at, a.To)
	}
}

func (p *plan) add(s spot, layer int) int {
	for len(p.layers) <= layer {
		p.layers = append(p.layers, nil)
	}
	p.spots = append(p.spots, s)
	p.layers[layer] = append(p.layers[layer], len(p.spots)-1)
	return len(p.spots) - 1
}

func (p *plan) join(up, dn int) {
	if slices.Contains(p.spots[up].dn, dn) {
		return
	}
	p.spots[up].dn = append(p.spots[up].dn, dn)
	p.spots[dn].up = append(p.spots[dn].up, up)
}

// sort orders each layer by the middle of what its spots are joined to, down and up again, so that few arrows cross.
func (p *plan) sort() {
	pos := make([]int, len(p.spots))
	number := func(layer []int) {
		for i, s := range layer {
			pos[s] = i
		}
	}
	for _, layer := range p.layers {
		number(layer)
	}
	for n := range sweeps {
		for i := range p.layers {
			down := n%2 == 0
			layer := p.layers[i]
			if !down {
				layer = p.layers[len(p.layers)-1-i]
			}
			middle := map[int]int{}
			for _, s := range layer {
				joined := p.spots[s].up
				if !down {
					joined = p.spots[s].dn
				}
				middle[s] = pos[s] * 1000
				if len(joined) > 0 {
					sum := 0
					for _, j := range joined {
						sum += pos[j] * 1000
					}
					middle[s] = sum / len(joined)
				}
			}
			slices.SortStableFunc(layer, func(a, b int) int { return cmp.Compare(middle[a], middle[b]) })
			number(layer)
		}
	}
}

// apart is the least distance between the centres of two neighbours.
func (p *plan) apart(a, b int) int {
	gap := roomGap
	if p.spots[a].room < 0 || p.spots[b].room < 0 {
		gap = roomGap / 2
	}
	return (p.spots[a].width+p.spots[b].width+1)/2 + gap
}

// pack begins with each layer centred.
func (p *plan) pack() {
	for _, layer := range p.layers {
		x := 0
		for i, s := range layer {
			if i > 0 {
				x += p.apart(layer[i-1], s)
			}
			p.spots[s].x = x
		}
		for _, s := range layer {
			p.spots[s].x -= x / 2
		}
	}
}

// settle moves the spots of each layer below, or above, what they are joined to.
func (p *plan) settle(down bool) {
	for i := range p.layers {
		layer := p.layers[i]
		if !down {
			layer = p.layers[len(p.layers)-1-i]
		}
		want := make([]int, len(layer))
		weight := make([]int, len(layer))
		for k, s := range layer {
			joined := p.spots[s].up
			if !down {
				joined = p.spots[s].dn
			}
			want[k], weight[k] = p.spots[s].x, 1
			if len(p.spots[s].up)+len(p.spots[s].dn) == 0 && k > 0 { // stays beside its neighbour
				want[k] = want[k-1] + p.apart(layer[k-1], s)
			}
			if len(joined) == 0 {
				continue
			}
			sum := 0
			for _, j := range joined {
				sum += p.spots[j].x
			}
			want[k], weight[k] = sum/len(joined), 2
			if p.spots[s].room < 0 {
				weight[k] = 4 // a lane is to be straight
			}
		}
		for k, x := range p.fit(layer, want, weight) {
			p.spots[layer[k]].x = x
		}
	}
}

// fit finds the positions nearest to those wanted that keep order and distance: neighbours that would collide are
// moved as one block to the weighted mean of what its members want. All numbers are whole ones, so that every machine
// comes to the same picture.
func (p *plan) fit(layer, want, weight []int) []int {
	type block struct{ first, sum, weight int }
	offset := make([]int, len(layer))
	var blocks []block
	mean := func(b block) int { return int(math.Floor(float64(b.sum) / float64(b.weight))) }
	for k := range layer {
		if k > 0 {
			offset[k] = offset[k-1] + p.apart(layer[k-1], layer[k])
		}
		blocks = append(blocks, block{k, (want[k] - offset[k]) * weight[k], weight[k]})
		for n := len(blocks); n > 1 && mean(blocks[n-2]) > mean(blocks[n-1]); n = len(blocks) {
			blocks[n-2].sum += blocks[n-1].sum
			blocks[n-2].weight += blocks[n-1].weight
			blocks = blocks[:n-1]
		}
	}
	out := make([]int, len(layer))
	for i, b := range blocks {
		end := len(layer)
		if i+1 < len(blocks) {
			end = blocks[i+1].first
		}
		for k := b.first; k < end; k++ {
			out[k] = mean(b) + offset[k]
		}
	}
	return out
}

// finish moves the picture to where it begins, gives the layers their heights and draws the arrows.
func (p *plan) finish(s Style) {
	left, right := 0, 0
	for i, sp := range p.spots {
		if i == 0 || sp.x-sp.width/2 < left {
			left = sp.x - sp.width/2
		}
	}
	for i := range p.spots {
		p.spots[i].x += margin - left
		right = max(right, p.spots[i].x+(p.spots[i].width+1)/2)
	}
	y := margin + s.Top
	top := make([]int, len(p.layers))
	bottom := make([]int, len(p.layers))
	for l, layer := range p.layers {
		top[l], bottom[l] = y, y
		for _, i := range layer {
			if r := p.spots[i].room; r >= 0 {
				room := &p.d.Rooms[r]
				room.X, room.Y = p.spots[i].x-room.W/2, y
				for k := range room.Items {
					room.Items[k].X += room.X
					room.Items[k].Y += room.Y
				}
				bottom[l] = max(bottom[l], y+room.H)
			}
		}
		y = bottom[l] + layerGap
	}
	p.d.Width = right + margin
	p.d.Height = max(y-layerGap, margin+s.Top) + margin + s.Bottom
	p.route(top, bottom)
}

// route draws the arrows: straight down to the end of the layer, a bend in the gap, straight through the lanes.
func (p *plan) route(top, bottom []int) {
	ports := p.ports()
	for k := range p.d.Arrows {
		a := &p.d.Arrows[k]
		from, to := p.d.Rooms[a.From], p.d.Rooms[a.To]
		x := p.spots[a.From].x
		a.Points = []Point{{x, from.Y + from.H}, {x, bottom[from.layer]}}
		for l := from.layer + 1; l < to.layer; l++ {
			x = p.spots[p.lane[key(a.From, l)]].x
			a.Points = append(a.Points, Point{x, top[l]}, Point{x, bottom[l]})
		}
		a.Points = append(a.Points, Point{ports[k], to.Y})
	}
}

// ports spreads the arrows that end at one room over its upper side, in the order in which they come.
func (p *plan) ports() []int {
	out := make([]int, len(p.d.Arrows))
	ending := make([][]int, len(p.d.Rooms))
	for k, a := range p.d.Arrows {
		ending[a.To] = append(ending[a.To], k)
	}
	for r, arrows := range ending {
		source := func(k int) int {
			a := p.d.Arrows[k]
			if lane, ok := p.lane[key(a.From, p.d.Rooms[r].layer-1)]; ok {
				return p.spots[lane].x
			}
			return p.spots[a.From].x
		}
		slices.SortStableFunc(arrows, func(a, b int) int { return cmp.Compare(source(a), source(b)) })
		step := min(28, p.d.Rooms[r].W/(len(arrows)+1))
		for n, k := range arrows {
			out[k] = p.spots[r].x + (2*n-len(arrows)+1)*step/2
		}
	}
	return out
}
