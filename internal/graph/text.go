// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"strconv"
	"strings"
)

// widths are the advance widths of the printable ASCII characters in DejaVu Sans, in thousandths of the font size,
// from the space on. It is among the widest of the fonts that a browser takes for sans-serif, so that what fits with
// it fits with the others.
var widths = [...]int{
	318, 401, 460, 838, 636, 950, 780, 275, 390, 390, 500, 838, 318, 361, 318, 337, // space to /
	636, 636, 636, 636, 636, 636, 636, 636, 636, 636, 337, 337, 838, 838, 838, 531, // 0 to ?
	1000, 684, 686, 698, 770, 632, 575, 775, 752, 295, 295, 656, 557, 863, 748, 787, // @ to O
	603, 787, 695, 635, 611, 732, 684, 989, 685, 611, 685, 390, 337, 390, 838, 500, // P to _
	500, 613, 635, 550, 635, 615, 352, 635, 634, 278, 278, 579, 278, 974, 634, 612, // ` to o
	635, 635, 411, 521, 392, 634, 592, 818, 592, 592, 525, 636, 337, 636, 838, // p to ~
}

// ellipsis ends a label that was cut.
const ellipsis = "…"

// textWidth is how wide a text is at most, in units of the picture.
func textWidth(s string, size int, bold bool) int {
	sum := 0
	for _, r := range s {
		switch {
		case r >= ' ' && int(r-' ') < len(widths):
			sum += widths[r-' ']
		case r < 0x0250: // Latin with marks
			sum += 838
		default: // one square: right for Chinese, Japanese and Korean, wide for the others
			sum += 1000
		}
	}
	if bold {
		sum += sum / 9
	}
	return (sum*size + 999) / 1000
}

// cut shortens a text until it is no wider than a room for it.
func cut(s string, room, size int, bold bool) string {
	if textWidth(s, size, bold) <= room {
		return s
	}
	runes := []rune(s)
	for n := min(len(runes)-1, max(room, 0)); n > 0; n-- {
		short := strings.TrimRight(string(runes[:n]), " -_.") + ellipsis
		if textWidth(short, size, bold) <= room {
			return short
		}
	}
	return ellipsis
}

func number(n int) string { return strconv.Itoa(n) }
