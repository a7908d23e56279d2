// SPDX-License-Identifier: Apache-2.0

// Package ekstoken is the command that kubectl and the Pulumi provider run for a token of a cluster.
package ekstoken

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/iostreams"
)

// Request names the cluster that a token is for.
type Request struct {
	Cluster string
	Region  string
	Target  string // "" = whatever the environment says
}

// Maker makes a token, as a client-go exec credential.
type Maker func(ctx context.Context, r Request) ([]byte, error)

// Options are the dependencies and the flags of the command.
type Options struct {
	IO   *iostreams.IOStreams
	Make Maker

	Request Request
}

// NewCmd returns the command.
func NewCmd(f *cmdutil.Factory, token Maker, runF func(context.Context, *Options) error) *cobra.Command {
	opts := &Options{IO: f.IO, Make: token}
	cmd := &cobra.Command{
		Use:   "eks-token --cluster NAME [flags]",
		Short: "Print a token for an EKS cluster",
		Long: `Print a token for an EKS cluster as a client-go exec credential. The kubeconfig files that emrflink
writes run this command; you rarely need to run it by hand. The token is made from the AWS credentials without
contacting anything, and is valid for 15 minutes.

Exit codes: 0 printed; 1 failed; 2 flags; 3 no credentials.`,
		Example: `  emrflink eks-token --cluster emr-eks-flink --region us-west-2`,
		Args:    cmdutil.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if opts.Request.Cluster == "" {
				return &cmdutil.UsageError{Err: fmt.Errorf("%q needs --cluster", cmd.CommandPath()), Usage: cmd.UseLine()}
			}
			switch opts.Request.Target {
			case "", "local", "aws":
			default:
				return cmdutil.Usagef("--target %q: want local or aws", opts.Request.Target)
			}
			if runF != nil {
				return runF(cmd.Context(), opts)
			}
			return run(cmd.Context(), opts)
		},
	}
	cmd.Flags().StringVar(&opts.Request.Cluster, "cluster", "", "name of the cluster")
	cmd.Flags().StringVar(&opts.Request.Region, "region", "", "region of the cluster (default: AWS_REGION)")
	cmd.Flags().StringVar(&opts.Request.Target, "target", "",
		"target of the cluster: local or aws (default: the one that the AWS variables select)")
	cmdutil.CompleteFlag(cmd, "target", "local", "aws")
	return cmd
}

func run(ctx context.Context, opts *Options) error {
	doc, err := opts.Make(ctx, opts.Request)
	if err != nil {
		return fmt.Errorf("make token for cluster %q: %w", opts.Request.Cluster, err)
	}
	_, err = fmt.Fprintf(opts.IO.Out, "%s\n", doc)
	return err
}
