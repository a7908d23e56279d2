// SPDX-License-Identifier: Apache-2.0

package jobs

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/flinkjob"
)

// uiPort is Flink's own.
const uiPort = 8081

type uiDocument struct {
	SchemaVersion int      `json:"schemaVersion"`
	URL           string   `json:"url"`
	Simulated     []string `json:"simulated"`
}

// NewUICmd returns the command that shows Flink's web UI.
func NewUICmd(f *cmdutil.Factory, open Open, runF func(context.Context, *Options) error) *cobra.Command {
	opts := newOptions(f, open)
	cmd := ofAnyJob(f, opts, runF, ui, &cobra.Command{
		Use:   "ui",
		Short: "Show Flink's web UI of all jobs on this machine",
		Long: `Serve the web UIs of all jobs at http://127.0.0.1:8081/, each below /NAMESPACE/JOB/, until Ctrl-C. With a name, the
address of that job is printed. The JobManager is looked up at each connection and reached through its kubelet, as a
port-forward is: no ingress, no login and no rule of a network policy is needed, and a restart of the JobManager only
shows a page that waits for it.

Only this machine is served. Flink's UI lets its reader cancel the job and submit jars, with your access to the
cluster: requests that pages of other sites make are refused.

Cost: none.

Exit codes: 0 it was ended by Ctrl-C; 1 failed, such as a port that is in use; 2 flags; 3 credentials; 4 there is no
such job, or the stack was never deployed.`,
		Example: `  emrflink job ui
  emrflink job ui my-job --open
  emrflink job ui --port 9000`,
	})
	cmd.Flags().IntVar(&opts.Port, "port", uiPort, "port on 127.0.0.1; 0 is a free one")
	cmd.Flags().BoolVar(&opts.Browser, "open", false, "open it in the browser")
	return cmd
}

func ui(ctx context.Context, opts *Options) error {
	return with(ctx, opts, "show the web UI", func(s Stack, job flinkjob.Running) error {
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(opts.Port)))
		if err != nil {
			return &cmdutil.Error{
				What: "serve the web UI", Cause: err, ID: "job.ui-port", Next: cmdutil.Command("job", "ui", "--port", "0"),
			}
		}
		at := url.URL{Scheme: "http", Host: l.Addr().String(), Path: "/"}
		if opts.Job != "" {
			at.Path = flinkjob.PathOfUI(job.Ref.Namespace, job.Ref.Name)
		}
		if err := showUI(opts, s, at.String()); err != nil {
			return errors.Join(err, l.Close())
		}
		opts.Interrupt.Say("stopping to serve the web UI")
		defer opts.Interrupt.Say("")
		const quiet = 30 * time.Second
		server := &http.Server{Handler: flinkjob.NewUI(job.Runner, at.Host), ReadHeaderTimeout: quiet}
		stop := context.AfterFunc(ctx, func() { _ = server.Close() })
		defer stop()
		if err := server.Serve(l); ctx.Err() == nil {
			return err
		}
		return nil
	})
}

func showUI(opts *Options, s Stack, at string) error {
	if opts.Output == cmdutil.JSON {
		doc := uiDocument{SchemaVersion: cmdutil.SchemaVersion, URL: at, Simulated: cmdutil.List(s.Info().Simulated)}
		if err := cmdutil.WriteJSON(opts.IO.Out, doc); err != nil {
			return err
		}
	} else {
		_, _ = fmt.Fprintln(opts.IO.Out, at)
		opts.IO.Say("it is served until Ctrl-C")
		simulated(opts, s)
	}
	if opts.Browser {
		cmdutil.OpenBrowser(opts.IO, at)
	}
	return nil
}
