// SPDX-License-Identifier: Apache-2.0

package iostreams

import (
	"fmt"
	"slices"
	"strings"
)

// ColorMode says when output is coloured. It is a pflag.Value.
type ColorMode string

// The colour modes. The zero value means ColorAuto.
const (
	ColorAuto   ColorMode = "auto"
	ColorAlways ColorMode = "always"
	ColorNever  ColorMode = "never"
)

// ColorModes lists the valid modes.
func ColorModes() []string {
	return []string{string(ColorAuto), string(ColorAlways), string(ColorNever)}
}

// String returns the mode's name.
func (m *ColorMode) String() string {
	if *m == "" {
		return string(ColorAuto)
	}
	return string(*m)
}

// Set parses a mode.
func (m *ColorMode) Set(v string) error {
	if !slices.Contains(ColorModes(), v) {
		return fmt.Errorf("must be one of %s", strings.Join(ColorModes(), ", "))
	}
	*m = ColorMode(v)
	return nil
}

// Type names the value's type in help texts.
func (m *ColorMode) Type() string { return "auto|always|never" }

// SetColor chooses when output is coloured.
func (s *IOStreams) SetColor(m ColorMode) { s.color = m }

// OutPalette colours text for standard output.
func (s *IOStreams) OutPalette() Palette { return Palette{on: s.colored(s.outTTY)} }

// ErrPalette colours text for standard error.
func (s *IOStreams) ErrPalette() Palette { return Palette{on: s.colored(s.errTTY)} }

func (s *IOStreams) colored(tty bool) bool {
	switch s.color {
	case ColorAlways:
		return true
	case ColorNever:
		return false
	case ColorAuto:
	}
	return tty && !s.dumb() && s.getenv("NO_COLOR") == ""
}

// Palette colours text, or leaves it alone. Colour never carries meaning that a word does not.
type Palette struct{ on bool }

// Enabled reports whether the palette colours.
func (p Palette) Enabled() bool { return p.on }

// Bold marks headings.
func (p Palette) Bold(t string) string { return p.wrap("1", t) }

// Dim marks asides.
func (p Palette) Dim(t string) string { return p.wrap("2", t) }

// Red marks failures and deletions.
func (p Palette) Red(t string) string { return p.wrap("31", t) }

// Green marks success and creations.
func (p Palette) Green(t string) string { return p.wrap("32", t) }

// Yellow marks warnings and changes.
func (p Palette) Yellow(t string) string { return p.wrap("33", t) }

// Cyan marks commands to run.
func (p Palette) Cyan(t string) string { return p.wrap("36", t) }

func (p Palette) wrap(code, t string) string {
	if !p.on || t == "" {
		return t
	}
	return "\x1b[" + code + "m" + t + "\x1b[0m"
}

// Glyphs are the marks in front of lines.
type Glyphs struct {
	Done, Failed, Pending, Skipped string
	Spin                           []string
}

// Glyphs returns the marks that the terminal can show, ASCII where in doubt.
func (s *IOStreams) Glyphs() Glyphs {
	if s.unicode() {
		return Glyphs{
			Done: "✓", Failed: "✗", Pending: "·", Skipped: "-",
			Spin: []string{"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"},
		}
	}
	return Glyphs{Done: "+", Failed: "x", Pending: ".", Skipped: "-", Spin: []string{"|", "/", "-", `\`}}
}
