// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/pulumi/pulumi/pkg/v3/pluginstorage"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/workspace"
	"github.com/spf13/cobra"

	"github.com/blang/semver"

	"emrflink/components/versions"
	"emrflink/internal/disk"
)

// attachedVar names the providers that the engine uses instead of plugins.
const attachedVar = "PULUMI_DEBUG_PROVIDERS"

// PluginHome is where the provider plugins are kept: PULUMI_HOME, else a folder of the state directory.
func (e *Engine) PluginHome() string { return e.pluginHome }

// MissingPlugins are the plugins of the options that are not in the plugin home, or only in part. Where the target attaches
// providers, none is needed.
func (e *Engine) MissingPlugins() []versions.Plugin {
	var missing []versions.Plugin
	for _, p := range e.opts.Plugins {
		dir := filepath.Join(e.pluginHome, workspace.PluginDir, "resource-"+p.Name+"-v"+p.Version)
		_, absent := os.Stat(dir)
		_, whole := os.Stat(dir + ".partial")
		if absent != nil || !errors.Is(whole, fs.ErrNotExist) {
			missing = append(missing, p)
		}
	}
	if e.opts.Ephemeral || e.lookupEnv(attachedVar) != "" {
		return nil
	}
	return missing
}

// FetchPlugins downloads the plugins that are missing, once for all operations, and tells Options.Fetching how far it is. The
// engine would do it without a word, and during an operation.
func (e *Engine) FetchPlugins(ctx context.Context) error {
	missing := e.MissingPlugins()
	if len(missing) == 0 || e.lookupEnv("PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION") == "true" {
		return nil
	}
	args := []string{fetchCommand}
	for _, p := range missing {
		args = append(args, p.Name+"@"+p.Version)
	}
	if err := os.MkdirAll(e.pluginHome, 0o700); err != nil {
		return fmt.Errorf("make the folder of plugins: %w", err)
	}
	_, stderr, _, err := e.command(e.environmentOf("")).Run(ctx, e.pluginHome, nil,
		[]io.Writer{&lines{tell: e.opts.Fetching}}, nil, nil, args...)
	if err != nil {
		return e.failed(ctx, "fetch the provider plugins", nil, stderr, err)
	}
	return nil
}

// lines tells each line that is written.
type lines struct {
	tell func(string)
	rest string
}

// Write implements io.Writer.
func (l *lines) Write(p []byte) (int, error) {
	all := strings.Split(l.rest+string(p), "\n")
	for _, line := range all[:len(all)-1] {
		if l.tell != nil {
			l.tell(line)
		}
	}
	l.rest = all[len(all)-1]
	return len(p), nil
}

// fetchCommand downloads plugins into the plugin home and prints a line every few seconds.
const fetchCommand = "fetch"

func newFetchCmd() *cobra.Command {
	return &cobra.Command{
		Use: fetchCommand + " NAME@VERSION...", Hidden: true, Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, arg := range args {
				name, version, _ := strings.Cut(arg, "@")
				if err := fetch(cmd.Context(), versions.Plugin{Name: name, Version: version}, cmd.OutOrStdout()); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

const (
	attempts = 3
	// unpacked is how many times as large a plugin is as what is downloaded of it: binaries of Go are packed to a quarter.
	unpacked = 5
	// fetchSays is the time between two lines.
	fetchSays = 5 * time.Second
)

// fetch downloads one plugin and unpacks it on the way: nothing is written but the plugin itself.
func fetch(ctx context.Context, p versions.Plugin, out io.Writer) error {
	version, err := semver.Parse(p.Version)
	if err != nil {
		return fmt.Errorf("version of plugin %s: %w", p, err)
	}
	spec := workspace.PluginDescriptor{Name: p.Name, Kind: apitype.ResourcePlugin, Version: &version}
	for attempt := 1; ; attempt++ {
		err := fetchOnce(ctx, p, spec, out)
		var full *noRoomError
		if err == nil || ctx.Err() != nil || attempt == attempts || errors.As(err, &full) {
			return err
		}
		_, _ = fmt.Fprintf(out, "plugin %s: attempt %d of %d failed: %v\n", p, attempt, attempts, err)
	}
}

func fetchOnce(ctx context.Context, p versions.Plugin, spec workspace.PluginDescriptor, out io.Writer) error {
	from, size, err := spec.Download(ctx)
	if err != nil {
		return fmt.Errorf("error downloading plugin %s: %w", p, err)
	}
	dir, err := spec.DirPath()
	if err == nil {
		err = roomFor(p, filepath.Dir(dir), size)
	}
	if err != nil {
		return errors.Join(err, from.Close())
	}
	read := &meter{ReadCloser: from}
	said := time.NewTicker(fetchSays)
	defer said.Stop()
	end := make(chan struct{})
	defer close(end)
	go func() {
		for {
			select {
			case <-said.C:
				_, _ = fmt.Fprintf(out, "plugin %s: %d of %d MB downloaded\n", p, read.n.Load()/1e6, size/1e6)
			case <-end:
				return
			}
		}
	}()
	done, err := pluginstorage.UnpackContents(ctx, spec, pluginstorage.TarPlugin(read), false)
	if err != nil {
		return fmt.Errorf("error downloading plugin %s: %w", p, err)
	}
	done(true)
	_, _ = fmt.Fprintf(out, "plugin %s: %d MB downloaded into %s\n", p, read.n.Load()/1e6, filepath.Dir(dir))
	return nil
}

// noRoomError says that a plugin does not fit.
type noRoomError struct {
	plugin     versions.Plugin
	dir        string
	free, need uint64
}

// Error implements error.
func (e *noRoomError) Error() string {
	return fmt.Sprintf("only %d MiB are free for plugins in %s, plugin %s takes about %d MiB", e.free>>20, e.dir, e.plugin,
		(e.need+1<<20-1)>>20)
}

// roomFor refuses a download that would not fit, before anything is written.
func roomFor(p versions.Plugin, dir string, size int64) error {
	at, err := disk.Existing(dir)
	if err != nil {
		return fmt.Errorf("look for free space: %w", err)
	}
	free, err := freeBytes(at)
	if err != nil {
		return fmt.Errorf("look for free space: %w", err)
	}
	if need := uint64(max(size, 0)) * unpacked; free < need {
		return &noRoomError{p, dir, free, need}
	}
	return nil
}

// meter counts what is read.
type meter struct {
	io.ReadCloser
	n atomic.Int64
}

// Read implements io.Reader.
func (m *meter) Read(p []byte) (int, error) {
	n, err := m.ReadCloser.Read(p)
	m.n.Add(int64(n))
	return n, err
}
