// SPDX-License-Identifier: Apache-2.0

package iostreams_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"emrflink/internal/iostreams"
)

func env(pairs ...string) func(string) string {
	m := map[string]string{}
	for i := 0; i+1 < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return func(k string) string { return m[k] }
}

func TestColourFollowsFlagThenEnvironmentThenTerminal(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		mode iostreams.ColorMode
		tty  bool
		env  []string
		want bool
	}{
		"a terminal is coloured":             {iostreams.ColorAuto, true, nil, true},
		"a file is not":                      {iostreams.ColorAuto, false, nil, false},
		"NO_COLOR wins over a terminal":      {iostreams.ColorAuto, true, []string{"NO_COLOR", "1"}, false},
		"an empty NO_COLOR says nothing":     {iostreams.ColorAuto, true, []string{"NO_COLOR", ""}, true},
		"a dumb terminal is not coloured":    {iostreams.ColorAuto, true, []string{"TERM", "dumb"}, false},
		"always wins over NO_COLOR":          {iostreams.ColorAlways, false, []string{"NO_COLOR", "1"}, true},
		"never wins over a terminal":         {iostreams.ColorNever, true, nil, false},
		"the zero mode behaves as automatic": {"", true, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ios, _, _, _ := iostreams.Test()
			ios.SetTTY(true, c.tty, c.tty)
			ios.SetEnv(env(c.env...))
			ios.SetColor(c.mode)
			require.Equal(t, c.want, ios.OutPalette().Enabled())
			require.Equal(t, c.want, ios.ErrPalette().Enabled())
			require.Equal(t, c.want, strings.Contains(ios.OutPalette().Red("x"), "\x1b["))
		})
	}
}

func TestColourModeIsOneOfThree(t *testing.T) {
	t.Parallel()
	var m iostreams.ColorMode
	require.Equal(t, "auto", m.String())
	require.NoError(t, m.Set("never"))
	require.Equal(t, "never", m.String())
	require.ErrorContains(t, m.Set("sometimes"), "must be one of auto, always, never")
}

func TestGlyphsAreASCIIWhereInDoubt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		env  []string
		want string
	}{
		"no locale":                {nil, "+"},
		"UTF-8":                    {[]string{"LANG", "en_US.UTF-8"}, "✓"},
		"LC_ALL wins over LANG":    {[]string{"LC_ALL", "C", "LANG", "en_US.UTF-8"}, "+"},
		"a console without glyphs": {[]string{"LANG", "C.utf8", "TERM", "linux"}, "+"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ios, _, _, _ := iostreams.Test()
			ios.SetEnv(env(c.env...))
			want := iostreams.Glyphs{Done: "+", Failed: "x", Pending: ".", Skipped: "-", Spin: []string{"|", "/", "-", `\`}}
			if c.want != want.Done {
				want.Done, want.Failed, want.Pending, want.Spin = "✓", "✗", "·",
					strings.Split("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏", "")
			}
			require.Equal(t, want, ios.Glyphs())
		})
	}
}

func TestTableCarriesTheSameCellsOnAndOffATerminal(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		tty  bool
		want string
	}{
		"off a terminal: tabs":            {false, "NAME\tSTATE\nlong-name\tup and well\nb\t\n"},
		"on a terminal: aligned, no tail": {true, "NAME       STATE\nlong-name  up and well\nb\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ios, _, out, _ := iostreams.Test()
			ios.SetTTY(false, c.tty, false)
			ios.SetColor(iostreams.ColorNever)
			tab := ios.NewTable("NAME", "STATE")
			tab.Row("long-name", "up\nand\twell")
			tab.Row("b")
			require.NoError(t, tab.Render())
			require.Empty(t, cmp.Diff(c.want, out.String()))
		})
	}
}

func TestATableWithoutRowsPrintsNothing(t *testing.T) {
	t.Parallel()
	ios, _, out, errOut := iostreams.Test()
	require.NoError(t, ios.NewTable("A").Render())
	require.NoError(t, ios.NewErrTable("A").Render())
	require.Empty(t, out.String()+errOut.String())
}

func TestPromptsNeedATerminalOnBothSides(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		in, err bool
		want    bool
	}{
		"both":        {true, true, true},
		"piped input": {false, true, false},
		"piped error": {true, false, false},
		"neither":     {false, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ios, in, out, errOut := iostreams.Test()
			ios.SetTTY(c.in, false, c.err)
			in.WriteString("dev\n")
			err := ios.ConfirmName(t.Context(), "dev", "Type dev to delete:", "--stack dev --yes")
			require.Empty(t, out.String())
			if c.want {
				require.NoError(t, err)
				require.Equal(t, "Type dev to delete: ", errOut.String())
				return
			}
			var no *iostreams.NoPromptError
			require.ErrorAs(t, err, &no)
			require.Equal(t, 2, no.ExitCode())
			require.Equal(t, "pass --stack dev --yes", no.Hint())
			require.Empty(t, errOut.String())
		})
	}
}

func TestOnlyTheExactNameConfirms(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		answer := rapid.StringMatching(`[ -~]{0,12}`).Draw(rt, "answer")
		ios, in, _, _ := iostreams.Test()
		ios.SetTTY(true, true, true)
		in.WriteString(answer + "\n")
		err := ios.ConfirmName(context.Background(), "prod", "Type prod:", "--yes")
		if strings.TrimSpace(answer) == "prod" {
			require.NoError(rt, err)
		} else {
			require.ErrorIs(rt, err, iostreams.ErrDeclined)
		}
	})
}

// blocked never returns, as a terminal nobody types at.
type blocked struct{ ch chan struct{} }

func (b blocked) Read([]byte) (int, error) { <-b.ch; return 0, errors.New("closed") }

func TestACancelledQuestionReturnsTheCause(t *testing.T) {
	t.Parallel()
	ios, _, _, _ := iostreams.Test()
	ios.SetTTY(true, true, true)
	in := blocked{make(chan struct{})}
	defer close(in.ch)
	ios.In = in
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("interrupted")
	cancel(why)
	require.ErrorIs(t, ios.Confirm(ctx, "Deploy?", "--yes"), why)
}

func TestOffATerminalProgressIsALinePerChangeAndAHeartbeat(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ios, _, out, errOut := iostreams.Test()
		p := ios.NewProgress(iostreams.Phase{Name: "network"}, iostreams.Phase{Name: "cluster", Expected: 617 * time.Second})
		p.Start("network")
		time.Sleep(2 * time.Second)
		p.Done("network")
		p.Start("cluster")
		p.Detail("cluster", "CREATING")
		p.Detail("cluster", "CREATING")
		time.Sleep(65 * time.Second)
		p.Fail("cluster")
		p.Done("cluster")
		p.Skip("cluster", "it has failed")
		p.Skip("addons", "no cluster")
		p.Start("core nodes")
		time.Sleep(time.Second)
		p.StopRunning()
		p.Stop()
		p.Stop()
		require.Empty(t, out.String())
		require.Empty(t, cmp.Diff(`network: started
network: done in 2s
cluster: started (usually 10m17s)
cluster: CREATING
cluster: still running after 14s (usually 10m17s): CREATING
cluster: still running after 28s (usually 10m17s): CREATING
cluster: still running after 42s (usually 10m17s): CREATING
cluster: still running after 56s (usually 10m17s): CREATING
cluster: failed in 1m05s
addons: skipped: no cluster
core nodes: started
core nodes: stopped in 1s
`, errOut.String()))
	})
}

func TestNoSilenceIsLongerThanFifteenSeconds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ios, _, _, errOut := iostreams.Test()
		p := ios.NewProgress(iostreams.Phase{Name: "cluster"})
		p.Start("cluster")
		time.Sleep(10*time.Minute + time.Second)
		p.Stop()
		require.Equal(t, 10*60/14, strings.Count(errOut.String(), "still running"))
	})
}

func TestQuietProgressIsAnObjectALine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ios, _, _, errOut := iostreams.Test()
		ios.SetQuiet(true)
		p := ios.NewProgress(iostreams.Phase{Name: "a"})
		p.Start("a")
		time.Sleep(time.Minute)
		p.StopRunning()
		p.Stop()
		require.Equal(t, `{"schemaVersion":1,"progress":"a: started"}
{"schemaVersion":1,"progress":"a: still running after 14s"}
{"schemaVersion":1,"progress":"a: still running after 28s"}
{"schemaVersion":1,"progress":"a: still running after 42s"}
{"schemaVersion":1,"progress":"a: still running after 56s"}
{"schemaVersion":1,"progress":"a: stopped in 1m00s"}
`, errOut.String())
	})
}

// screen plays the few escape sequences that a display uses.
func screen(raw string) (lines []string, cursor bool) {
	cursor = true
	row := 0
	for len(raw) > 0 {
		switch {
		case strings.HasPrefix(raw, "\x1b[?25l"):
			cursor, raw = false, raw[6:]
		case strings.HasPrefix(raw, "\x1b[?25h"):
			cursor, raw = true, raw[6:]
		case strings.HasPrefix(raw, "\x1b[J"):
			lines, raw = lines[:row], raw[3:]
		case strings.HasPrefix(raw, "\x1b["):
			n, i := 0, 2
			for ; raw[i] != 'A'; i++ {
				n = n*10 + int(raw[i]-'0')
			}
			row, raw = row-n, raw[i+1:]
		case raw[0] == '\r':
			raw = raw[1:]
		default:
			text, rest, _ := strings.Cut(raw, "\n")
			lines, row, raw = append(lines[:row], text), row+1, rest
		}
	}
	return lines, cursor
}

func TestOnATerminalLinesAppearAboveTheList(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ios, _, _, errOut := iostreams.Test()
		ios.SetTTY(true, true, true)
		ios.SetColor(iostreams.ColorNever)
		p := ios.NewProgress(iostreams.Phase{Name: "network"}, iostreams.Phase{Name: "cluster", Expected: time.Minute})
		p.Start("network")
		time.Sleep(3 * time.Second)
		synctest.Wait() // the redraw of this very moment
		_, err := ios.ErrOut.Write([]byte("warning: one\n"))
		require.NoError(t, err)
		p.Done("network")
		p.Start("cluster")
		_, err = ios.ErrOut.Write([]byte("warning: two\n"))
		require.NoError(t, err)
		lines, cursor := screen(errOut.String())
		require.False(t, cursor)
		require.Equal(t, []string{"warning: one", "warning: two", "+ network  done in 3s"}, lines[:3])
		require.Equal(t, "/ cluster  0s (usually 1m00s)", lines[3])
		p.Detail("cluster", "CREATING")
		p.Start("teams")
		p.Skip("addons", "no cluster")
		lines, _ = screen(errOut.String())
		require.Equal(t, []string{
			"+ network  done in 3s", "/ cluster  0s (usually 1m00s)  CREATING", "/ teams    0s", "- addons   skipped: no cluster",
		}, lines[2:])
		p.StopRunning()
		lines, _ = screen(errOut.String())
		require.Equal(t, "- teams    stopped after 0s", lines[4])
		p.Start("core nodes")
		p.Fail("core nodes")
		p.Stop()
		ios.ReleaseTerminal()
		lines, cursor = screen(errOut.String())
		require.True(t, cursor, "the cursor is back")
		require.Equal(t, []string{
			"warning: one", "warning: two", "+ network     done in 3s", "- cluster     stopped after 0s",
			"- teams       stopped after 0s", "- addons      skipped: no cluster", "x core nodes  failed after 0s",
		}, lines)
	})
}

func TestTheListFitsTheScreen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ios, _, _, errOut := iostreams.Test()
		ios.SetTTY(true, true, true)
		ios.SetColor(iostreams.ColorNever)
		var phases []iostreams.Phase
		for i := range 40 {
			phases = append(phases, iostreams.Phase{Name: "phase " + strings.Repeat("x", i)})
		}
		p := ios.NewProgress(phases...)
		for _, ph := range phases[:30] {
			p.Start(ph.Name)
			p.Done(ph.Name)
		}
		p.Stop()
		lines, _ := screen(errOut.String())
		require.Len(t, lines, 23, "a screen of 24 lines, one of them for the cursor")
		for i, l := range lines {
			require.LessOrEqual(t, len(l), 79)
			require.Contains(t, l, phases[len(phases)-23+i].Name, "finished phases go first")
		}
	})
}

func TestText(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		-time.Second: "0s", 0: "0s", 400 * time.Millisecond: "0.4s", 2 * time.Second: "2s", 10 * time.Second: "10s",
		time.Minute: "1m00s", time.Hour: "1h00m",
		12*time.Second + 900*time.Millisecond: "12s", 185 * time.Second: "3m05s", 62 * time.Minute: "1h02m",
	} {
		require.Equal(t, want, iostreams.Duration(d))
	}
	require.Equal(t, `emrflink deploy --stack 'it'\''s' ''`, iostreams.CommandLine("emrflink", "deploy", "--stack", "it's", ""))
	for width, want := range map[int]string{
		0: "abcdefgh", 2: "ab", 3: "abc", 4: "a...", 6: "abc...", 7: "abcd...", 8: "abcdefgh",
	} {
		require.Equal(t, want, iostreams.Truncate("abcdefgh", width))
	}
	require.Equal(t, "äöüß", iostreams.Truncate("äöüß", 4))
	for width, want := range map[int]string{
		21: "not included: what...", 20: "not included...", 12: "not inclu...", 9: "not in...",
		99: "not included: what is billed",
	} {
		require.Equal(t, want, iostreams.Truncate("not included: what is billed", width))
	}
	ios, _, _, _ := iostreams.Test()
	require.True(t, ios.First("a"))
	require.False(t, ios.First("a"))
	require.True(t, ios.First("b"))
}

func TestStreamsKeepApart(t *testing.T) {
	t.Parallel()
	ios, _, out, errOut := iostreams.Test()
	_, _ = ios.Out.Write([]byte("asked"))
	_, _ = ios.ErrOut.Write([]byte("said"))
	require.Equal(t, "asked", out.String())
	require.Equal(t, "said", errOut.String())
	require.IsType(t, &bytes.Buffer{}, out)
}
