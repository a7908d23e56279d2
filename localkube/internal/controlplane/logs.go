// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"bytes"
	"fmt"
	"io"
	stdlog "log"
	"os"
	"sync"

	"k8s.io/klog/v2"
	"k8s.io/klog/v2/textlogger"
)

// maxLog is where the log of earlier starts is moved aside (one file is kept).
const maxLog = 8 << 20

// noise lists what every healthy start or stop writes. A reader who looks for the cause of a failure should not
// have to know that these are normal.
func noise() [][]byte {
	var out [][]byte
	for _, s := range []string{
		// The bootstrap namespaces appear a moment after the controllers that look for them.
		`namespaces \"kube-system\" not found`,
		`namespaces \"default\" not found`,
		`clusterroles.rbac.authorization.k8s.io "`,
		`"Unhandled Error" err="unable to sync kubernetes service`,
		`Found stale data, removed previous endpoints on kubernetes service`,
		`Resetting endpoints for master service`,
		// The garbage collector learns of new definitions every 30 s.
		`unable to get REST mapping for`,
		// One process holds three components, each of which registers its configuration.
		`"Unable to register configz"`,
		// Settings that production clusters have and this one does without, on purpose.
		`requestheader-client-ca-file`, `proxy-client-cert-file`, `Neither --requestheader`,
		`No authentication-kubeconfig provided`, `No authorization-kubeconfig provided`,
		`OpenID Connect`, `kube-apiserver flag --`, `client cert authentication`,
		`Skipping disabled ComponentConfig`, `no API groups are enabled`, `Skipping API`,
		`simple token is not cryptographically signed`,
		`"extension-apiserver-authentication" not found`,
		// etcd alone on its socket, on a new directory.
		`http and grpc server on single port`, `ailed to detect schema version`, `cannot detect storage schema version`,
		`failed to register grpc metrics`,
		// What clients of a server that stops see.
		`http: Server closed`, `context canceled`, `the server is shutting down`, `connection refused`,
		`finished without leader elect`, `use of closed network connection`,
	} {
		out = append(out, []byte(s))
	}
	return out
}

// filter passes warnings and errors to the log file and drops informational lines and known noise. A line that
// does not start a message (a stack trace) goes where its message went.
type filter struct {
	mu    sync.Mutex
	w     io.Writer
	drop  [][]byte
	rest  []byte
	muted bool
}

func (f *filter) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rest = append(f.rest, p...)
	for {
		i := bytes.IndexByte(f.rest, '\n')
		if i < 0 {
			return len(p), nil
		}
		line := f.rest[:i+1]
		if startsMessage(line) {
			f.muted = line[0] == 'I' || f.isNoise(line)
		}
		if !f.muted {
			if _, err := f.w.Write(line); err != nil {
				return len(p), fmt.Errorf("write log: %w", err)
			}
		}
		f.rest = f.rest[i+1:]
	}
}

// startsMessage tells klog's header (severity, month, day) and lines of other loggers from continuations.
func startsMessage(line []byte) bool {
	if len(line) < 2 || line[0] == ' ' || line[0] == '\t' || line[0] == '>' {
		return false
	}
	return !bytes.HasPrefix(line, []byte("goroutine "))
}

func (f *filter) isNoise(line []byte) bool {
	for _, n := range f.drop {
		if bytes.Contains(line, n) {
			return true
		}
	}
	return false
}

// openLog sends everything that the linked-in components write to the log file: klog, the standard logger, and
// through descriptor 2 also panics and the etcd client. restore gives the process its standard error back.
func openLog(d dir) (w io.Writer, restore func(), err error) {
	name := d.path(logFile)
	if info, err := os.Stat(name); err == nil && info.Size() > maxLog {
		if err := os.Rename(name, name+".1"); err != nil {
			return nil, nil, fmt.Errorf("move the log aside: %w", err)
		}
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, nil, fmt.Errorf("open the log: %w", err)
	}
	restore, err = redirectStderr(f)
	if err != nil {
		return nil, nil, fmt.Errorf("redirect standard error: %w", err)
	}
	out := &filter{w: f, drop: noise()}
	stdlog.SetOutput(out)
	klog.SetLogger(textlogger.NewLogger(textlogger.NewConfig(textlogger.Output(out), textlogger.Verbosity(0))))
	return out, restore, nil
}
