// SPDX-License-Identifier: Apache-2.0

package jobs

import (
	"bytes"
	"context"
	"io"

	"github.com/spf13/cobra"

	"emrflink/internal/flinkjob"
)

func addWatchFlag(cmd *cobra.Command, opts *Options) {
	cmd.Flags().BoolVar(&opts.Watch, "watch", false, "show it again when it changes, until Ctrl-C")
}

// shown shows what a look found: once, or with --watch again and again. On a terminal, each picture takes the place of the one
// before; elsewhere one that is not new is left out.
func shown(ctx context.Context, opts *Options, job flinkjob.Running, look func() (show func() error, err error)) error {
	if !opts.Watch {
		show, err := look()
		if err != nil {
			return err
		}
		return show()
	}
	opts.Interrupt.Say("stopping to watch")
	defer opts.Interrupt.Say("")
	var now func() error
	out, last := opts.IO.Out, ""
	defer func() { opts.IO.Out = out }()
	return job.Runner.Follow(ctx, job.Ref.Namespace, func() (err error) {
		now, err = look()
		return err
	}, func() error {
		var picture bytes.Buffer
		opts.IO.Out = &picture
		err := now()
		opts.IO.Out = out
		if err != nil || picture.String() == last {
			return err
		}
		last = picture.String()
		if opts.IO.IsOutTTY() {
			const home, below = "\x1b[H", "\x1b[J"
			_, err = io.WriteString(out, home+below+last)
		} else {
			_, err = io.WriteString(out, last)
		}
		return err
	})
}
