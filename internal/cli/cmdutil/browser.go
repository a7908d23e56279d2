// SPDX-License-Identifier: Apache-2.0

package cmdutil

import (
	"fmt"
	"os/exec"
	"runtime"

	"emrflink/internal/iostreams"
)

// OpenBrowser shows an address in the user's browser, or says why it does not.
func OpenBrowser(s *iostreams.IOStreams, at string) {
	program, args := browser(runtime.GOOS)
	if err := exec.Command(program, append(args, at)...).Start(); err != nil { // #nosec G204 -- an address of ours
		_, _ = fmt.Fprintf(s.ErrOut, "the browser was not opened: %v\n", err)
	}
}

// browser is how a system opens an address.
func browser(system string) (program string, args []string) {
	switch system {
	case "darwin":
		return "open", nil
	case "windows":
		return "rundll32", []string{"url.dll,FileProtocolHandler"}
	}
	return "xdg-open", nil
}
